import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { answerPings, releaseMetas } from './vite.plugins.js'

export default defineConfig({
  plugins: [vue({ features: { optionsAPI: false } }), releaseMetas(process.env), answerPings()],
  server: { port: 3000 },
  build: {
    // Every browser that Vite's default target names knows modulepreload.
    modulePreload: { polyfill: false },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.js'],
  },
})
