// The two headers that isolate a page from other origins. SharedArrayBuffer, which threads of WebAssembly share, is
// there in isolated pages only: https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated
// The app's dev server sends them, by Vite's server.headers or preview.headers, or by a plugin in its configuration.
import { withoutComments } from './pages.mjs'

const EMBEDDER = 'Cross-Origin-Embedder-Policy'
const OPENER = 'Cross-Origin-Opener-Policy'
const EMBEDDER_VALUE = /\bCross-Origin-Embedder-Policy["'`]?\]?\s*[:,=]\s*["'`](require-corp|credentialless)["'`]/i
const OPENER_VALUE = /\bCross-Origin-Opener-Policy["'`]?\]?\s*[:,=]\s*["'`]same-origin["'`]/i
const PLUGIN = /\bvite-plugin-cross-origin-isolation["'`]/

// The rules, as parseHeaders returns them, and what to tell the user: { rules, notices }. One header without the other
// isolates nothing, and where the site's file _headers has one, that decides.
//     viteConfig   the text of vite's configuration
//     own          the rules of _headers
export function isolationOf(viteConfig, own) {
  const config = withoutComments(viteConfig)
  const named = OPENER_VALUE.test(config) ? EMBEDDER_VALUE.exec(config)?.[1].toLowerCase() : ''
  const value = PLUGIN.test(config) ? 'require-corp' : named
  const isOwn = own.some(({ name }) => [EMBEDDER, OPENER].some((header) => header.toLowerCase() === name.toLowerCase()))
  if (!value || isOwn) return { rules: [], notices: [] }
  const headers = { [EMBEDDER]: value, [OPENER]: 'same-origin' }
  const lines = Object.entries(headers).map(([name, text]) => `${name}: ${text}`)
  const notice =
    `The image sends ${lines.join(' and ')}, as vite's configuration does. So pages are isolated: they load no file ` +
    'of another origin that does not allow it, and share no sign-in window with one. public/_headers can change both'
  const rules = Object.entries(headers).map(([name, text]) => ({ path: '/*', name, value: text }))
  return { rules, notices: [notice] }
}
