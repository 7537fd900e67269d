// A configuration for Vite that loads the app's own with the app's own Vite, and adds what the tasks need: preload.cjs
// gives it to Vite's command. HELLO_DOCK_VITE has what to add, as JSON:
// { config: OPTIONS OF VITE, mode: MODE, runtimeEnv: NAMES, policy: { profile, sources } }.
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const { tools, folder, config: file, root, loader } = globalThis[Symbol.for('hello-dock.vite')]
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

// An API that is not there gets the answer of production (nginx/serving/errors.conf), and so does the API learn who asks.
function asInProduction(proxy) {
  const say = (passed, { headers, socket }) => {
    for (const name of ['Forwarded', 'X-Forwarded-Port', 'X-Forwarded-Prefix']) passed.removeHeader(name)
    const forwarded = { For: socket.remoteAddress, Host: headers.host ?? '', Proto: socket.encrypted ? 'https' : 'http' }
    for (const [name, value] of Object.entries(forwarded)) passed.setHeader(`X-Forwarded-${name}`, value)
    passed.setHeader('X-Real-IP', socket.remoteAddress)
  }
  proxy.on('proxyReq', say)
  proxy.on('proxyReqWs', say)
  proxy.on('error', (_error, _request, response) => {
    if (!('writeHead' in response) || response.headersSent) return // of a WebSocket it is the connection
    response.writeHead(502, { 'Content-Type': 'application/json' })
    const detail = 'The API of this site cannot be reached. Try again later.'
    response.end(`${JSON.stringify({ status: 502, title: 'Bad gateway', detail })}\n`)
  })
}

// The API's prefixes come first, because Vite takes the first key that fits. What the app passes on itself stays.
function addProxy(config) {
  const added = Object.entries(options.config.server?.proxy ?? {})
  if (!added.length) return config
  const proxy = added.map(([key, value]) => [key, { ...value, configure: asInProduction }])
  return { ...config, server: { ...config.server, proxy: { ...Object.fromEntries(proxy), ...config.server?.proxy } } }
}

export default async function (env) {
  const vite = await import(/* @vite-ignore */ pathToFileURL(path.join(folder, 'node/index.js')))
  const own = await vite.loadConfigFromFile(env, file, root, undefined, undefined, loader)
  const { proxy: _proxy, ...server } = options.config.server ?? {}
  const hmr = own?.config.server?.hmr
  if (hmr === false || hmr?.clientPort) delete server.hmr // the app wants no socket, or has one at another address
  const load = (name) => import(/* @vite-ignore */ pathToFileURL(path.join(tools, name)))
  const plugins = [followed(own)]
  if (options.policy) plugins.push((await load('policy-report.mjs')).reportPolicy(options.policy))
  const config = vite.mergeConfig(own?.config ?? {}, { ...options.config, server, plugins })
  if (!options.runtimeEnv) return addProxy(config)
  const { runtimeEnv } = await load('runtime-env.mjs')
  return vite.mergeConfig(config, runtimeEnv(options.runtimeEnv, vite))
}
