// Records which modules are in which file of a site, for its SBOM (docktasks/ship/bundle.py). Adds a plugin to each call of
// Rollup or Rolldown, whatever program makes it: Vite's command, a framework, a worker's build, a service worker's. The
// plugin only reads, so every byte of the site stays as it is. preload.cjs loads this where HELLO_DOCK_BUNDLE names the
// folder for the records, one a bundle: { chunks: [{ name, facade, sample, isRemoved, modules: [{ id, length, isStyle, files }] }],
// assets: [{ name, origins }], styles: [[name, sample]] }.
'use strict'
const { AsyncLocalStorage } = require('node:async_hooks')
const fs = require('node:fs')
const Module = require('node:module')
const path = require('node:path')

const FOLDER = process.env.HELLO_DOCK_BUNDLE
const MARK = '?hello-dock-bundle'
const BUNDLERS = { rollup: ['rollup'], rolldown: ['rolldown', 'build'] }
const STYLE = /\.(?:css|less|sass|scss|styl|stylus|pcss|postcss|sss)(?:$|\?)|[?&]type=style\b/
const ASSET = /\.(?:png|apng|bmp|jpe?g|jfif|gif|svg|ico|cur|webp|avif|jxl|woff2?|eot|[ot]tf|mp[34]|webm|og[ag]|wav|flac|aac|opus|mov|m4a|vtt|pdf|wasm)$/i
const SAMPLE_CHARACTERS = 160
const style = new AsyncLocalStorage() // the style file that is being transformed
const styleFiles = new Map() // style file -> the files that it imports, and those that its url() names
let count = 0

function note(file) {
  const id = style.getStore()
  if (id === undefined || typeof file !== 'string') return
  if (!styleFiles.has(id)) styleFiles.set(id, new Set())
  styleFiles.get(id).add(file)
}

// A url() whose file is small becomes a part of the style. Then only a reading of the file tells of it.
for (const [owner, name] of [[fs, 'readFile'], [fs, 'readFileSync'], [fs.promises, 'readFile']]) {
  const read = owner[name]
  owner[name] = function (file, ...rest) {
    if (ASSET.test(file)) note(file)
    return read.call(this, file, ...rest)
  }
}
Module.syncBuiltinESMExports()

// The plugin, with a transform() in which the files of a style are noted: Vite watches what it imports.
function withNotes(plugin) {
  const own = plugin?.transform
  const handler = typeof own === 'function' ? own : own?.handler
  if (typeof handler !== 'function') return plugin
  const noting = function (code, id, ...rest) {
    if (!STYLE.test(id)) return handler.call(this, code, id, ...rest)
    return style.run(id, () => {
      const watch = this.addWatchFile
      this.addWatchFile = function (file) {
        if (STYLE.test(file)) note(file)
        return watch.call(this, file)
      }
      return handler.call(this, code, id, ...rest)
    })
  }
  const transform = typeof own === 'function' ? noting : { ...own, handler: noting }
  return Object.assign(Object.create(Object.getPrototypeOf(plugin)), plugin, { transform })
}

// A piece of code that stays the same where a page or a script has the code as a text.
function sampleOf(code) {
  const runs = code.split(/["'`\\\n$<]+/)
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '').slice(0, SAMPLE_CHARACTERS)
}

function moduleOf([id, { renderedLength }]) {
  return { id, length: renderedLength, isStyle: STYLE.test(id), files: [...(styleFiles.get(id) ?? [])] }
}

const isStyle = (file) => file.type === 'asset' && file.fileName.endsWith('.css')

// Chunks and styles are recorded before other plugins remove those that they put into the page, or that are empty.
function recorder() {
  const chunks = []
  const styles = new Map() // name -> a piece of its text
  return [
    {
      name: 'hello-dock:bundle-chunks',
      generateBundle: {
        order: 'pre',
        handler(_, bundle) {
          for (const file of Object.values(bundle).filter(isStyle)) styles.set(file.fileName, sampleOf(String(file.source)))
          for (const chunk of Object.values(bundle).filter(({ type }) => type === 'chunk')) {
            chunks.push({
              name: chunk.fileName, facade: chunk.facadeModuleId, sample: sampleOf(chunk.code),
              modules: Object.entries(chunk.modules).map(moduleOf),
            })
          }
        },
      },
    },
    {
      name: 'hello-dock:bundle-assets',
      generateBundle: {
        order: 'post',
        handler(_, bundle) {
          const files = Object.values(bundle)
          for (const file of files.filter(isStyle)) styles.set(file.fileName, sampleOf(String(file.source)))
          const assets = files.filter(({ type }) => type === 'asset').map((asset) => ({
            name: asset.fileName, origins: asset.originalFileNames ?? [asset.originalFileName].filter(Boolean),
          }))
          const written = chunks.splice(0).map((chunk) => ({ ...chunk, isRemoved: !(chunk.name in bundle) }))
          const record = { chunks: written, assets, styles: [...styles] }
          fs.mkdirSync(FOLDER, { recursive: true })
          fs.writeFileSync(path.join(FOLDER, `${process.pid}-${count++}.json`), JSON.stringify(record))
        },
      },
    },
  ]
}

const recorded = (options = {}) => ({
  ...options,
  plugins: [...[options.plugins].flat(Infinity).map(withNotes), ...recorder()],
})

const load = Module._load
Module._load = function (request, ...rest) {
  const own = load.call(this, request, ...rest)
  return request === 'rollup' ? { ...own, rollup: (options) => own.rollup(recorded(options)) } : own
}

// A module of ours takes the place of the bundler's, and passes on all that it exports.
globalThis[Symbol.for('hello-dock.bundle')] = recorded
Module.registerHooks?.({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    if (!Object.hasOwn(BUNDLERS, specifier) || !context.conditions.includes('import')) return resolved
    return { ...resolved, url: `${resolved.url}${MARK}=${specifier}`, format: 'module', shortCircuit: true }
  },
  load(url, context, next) {
    const [own, name] = url.split(`${MARK}=`)
    if (!name) return next(url, context)
    const wrappers = BUNDLERS[name].map((call) => `export const ${call} = (options) => own.${call}(recorded(options))`)
    const source = [
      `export * from ${JSON.stringify(own)}`, `import * as own from ${JSON.stringify(own)}`,
      "const recorded = globalThis[Symbol.for('hello-dock.bundle')]", ...wrappers,
    ].join('\n')
    return { format: 'module', source, shortCircuit: true }
  },
})
