// The headers that isolate a page from other origins. SharedArrayBuffer, which threads of WebAssembly share, is there in
// isolated pages only: https://developer.mozilla.org/docs/Web/API/Window/crossOriginIsolated
// The app's dev server sends them, by Vite's server.headers or preview.headers, or by a plugin in its configuration.
import { withoutComments } from './pages.mjs'

const HEADER = /\bCross-Origin-Embedder-Policy["'`]?\s*[:,]\s*["'`](require-corp|credentialless)\b/i
const PLUGIN = /\bcross-origin-isolation["'`]/
const EMBEDDER = 'Cross-Origin-Embedder-Policy'

// The rules, as parseHeaders returns them, and what to tell the user: { rules, notices }.
//     viteConfig   the text of vite's configuration
//     own          the rules of the site's file _headers, which decide where they have the header
export function isolationOf(viteConfig, own) {
  const config = withoutComments(viteConfig)
  const value = HEADER.exec(config)?.[1].toLowerCase() ?? (PLUGIN.test(config) ? 'require-corp' : '')
  if (!value || own.some(({ name }) => name.toLowerCase() === EMBEDDER.toLowerCase())) return { rules: [], notices: [] }
  const rule = (name, text) => ({ path: '/*', name, value: text })
  const notice = `The image sends ${EMBEDDER}: ${value}, as vite's configuration does. public/_headers can change it`
  return { rules: [rule(EMBEDDER, value), rule('Cross-Origin-Opener-Policy', 'same-origin')], notices: [notice] }
}
