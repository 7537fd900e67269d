// A configuration for Vite that loads the app's own with the app's own Vite, and adds what the tasks need: preload.cjs
// gives it to Vite's command. HELLO_DOCK_VITE has what to add, as JSON: { config: OPTIONS OF VITE, mode: MODE }.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const { folder, config: file, root, loader } = globalThis[Symbol.for('hello-dock.vite')]
const options = JSON.parse(process.env.HELLO_DOCK_VITE)

// Lets Vite and plugins see the app's own file, so that the dev server restarts when it changes, or what it imports.
const followed = (own) => ({
  name: 'hello-dock:config',
  enforce: 'pre',
  configResolved(config) {
    config.configFile = own?.path
    config.configFileDependencies.push(...(own?.dependencies ?? []))
  },
})

export default async function (env) {
  const vite = await import(/* @vite-ignore */ pathToFileURL(path.join(folder, 'dist/node/index.js')))
  const own = await vite.loadConfigFromFile(env, file, root, undefined, undefined, loader)
  return vite.mergeConfig(own?.config ?? {}, { ...options.config, plugins: [followed(own)] })
}
