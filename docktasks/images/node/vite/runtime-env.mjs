// Options of Vite by which named variables, such as VITE_API_URL, are read when the page opens, not when it is built
// (prod.runtime_env). In the bundle `import.meta.env.VITE_API_URL` becomes a member of one object: what /env.js left in
// globalThis.env, and for the rest the values that the build had. So the bundle is the same for every container.
import { existsSync } from 'node:fs'
import path from 'node:path'

const OBJECT = '__HELLO_DOCK_ENV__'
export const LOADS_ENV = /<script\b[^>]*\bsrc\s*=\s*["']?[^"'\s>]*\benv\.js\b/i

// The line before a chunk that uses the object, and a source map that moves the other lines by one.
function withObject(code, defaults) {
  const line = `const ${OBJECT} = { ...${JSON.stringify(defaults)}, ...globalThis.env };\n`
  const mappings = ['', ...code.split('\n').map((_, index) => (index ? 'AACA' : 'AAAA'))].join(';')
  return { code: line + code, map: { version: 3, sources: [''], names: [], mappings } }
}

// A worker has no page that loads /env.js before it.
const inWorkers = (names) => ({
  name: 'hello-dock:runtime-env-in-workers',
  renderChunk(code) {
    const name = names.find((name) => code.includes(`${OBJECT}.${name}`)) ?? (code.includes(OBJECT) && names[0])
    if (name) {
      this.error(
        `A web worker uses import.meta.env.${name}, which prod.runtime_env names. A worker does not load /env.js. ` +
          'Send it the value in a message, or leave the name out of prod.runtime_env',
      )
    }
    return null
  },
})

function address(base, page) {
  if (/^(https?:)?\/\//.test(base)) return '/env.js' // the files are on another server, and /env.js is this one's
  return base.startsWith('/') ? `${base}env.js` : `${'../'.repeat(page.split('/').length - 2)}env.js`
}

function inPages(names) {
  let config
  let defaults
  return {
    name: 'hello-dock:runtime-env',
    configResolved(resolved) {
      config = resolved
      defaults = Object.fromEntries(names.filter((name) => name in config.env).map((name) => [name, config.env[name]]))
    },
    renderChunk: (code) => (code.includes(OBJECT) ? withObject(code, defaults) : null),
    transformIndexHtml: {
      order: 'post',
      handler: (html, page) =>
        LOADS_ENV.test(html)
          ? []
          : [{ tag: 'script', attrs: { src: address(config.base, page.path) }, injectTo: 'head-prepend' }],
    },
    generateBundle() {
      if (config.build.ssr || (config.publicDir && existsSync(path.join(config.publicDir, 'env.js')))) return
      // What a container without values serves.
      this.emitFile({ type: 'asset', fileName: 'env.js', source: 'globalThis.env = Object.freeze({})\n' })
    },
  }
}

export function runtimeEnv(names, vite) {
  const workers = [inWorkers(names)]
  return {
    define: Object.fromEntries(names.map((name) => [`import.meta.env.${name}`, `${OBJECT}.${name}`])),
    worker: { plugins: Number.parseInt(vite.version, 10) < 5 ? workers : () => workers }, // version 5 wants a function
    plugins: [inPages(names)],
  }
}
