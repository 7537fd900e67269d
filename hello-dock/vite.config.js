import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { answerPings, releaseMetas } from './vite.plugins.js'

export default defineConfig({
  plugins: [vue({ features: { optionsAPI: false } }), releaseMetas(process.env), answerPings()],
  server: { port: 3000 },
  build: {
    // Every browser that Vite's default target names knows modulepreload.
    modulePreload: { polyfill: false },
    // The packages get a file of their own. A release that changes only the app does not change it, so browsers keep it.
    // https://rolldown.rs/reference/OutputOptions.codeSplitting
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'packages', test: /node_modules/ }] } } },
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/**/*.test.js'],
  },
})
