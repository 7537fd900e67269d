import { createApp } from 'vue'
import { createWebHistory } from 'vue-router'
import App from './App.vue'
import { ENV, readEnv } from './env.js'
import { FIRST_VIEW } from './files.js'
import { HOT_RELOAD, watchHotReload } from './hot.js'
import { makeRouter } from './router.js'
import { readRelease, RELEASE } from './release.js'
import './style.css'

const router = makeRouter(createWebHistory(import.meta.env.BASE_URL))
const app = createApp(App)
  .use(router)
  .provide(HOT_RELOAD, watchHotReload(import.meta.hot))
  .provide(RELEASE, readRelease(document))
  .provide(ENV, readEnv(globalThis.env))

// Mounted also when the first view failed to load: the shell then says so.
router.isReady().finally(() => {
  app.mount('#app')
  performance.mark(FIRST_VIEW)
})
