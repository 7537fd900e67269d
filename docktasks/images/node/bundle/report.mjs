// Says what is in a site: the SHA-256 of each file, and the packages whose modules are in it, from the records that
// hooks.cjs made while it was built. assemble.mjs calls it, in the app's folder.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { lockedPackages } from './locked-packages.mjs'

// Modules that no file has. Build tools make them, and some of the tools' own code is then in the site.
const HELPERS = [
  [/^vite\//, 'vite'], [/^plugin-vue:/, '@vitejs/plugin-vue'], [/^rolldown\//, 'rolldown'],
  [/^@oxc-project\+runtime@/, '@oxc-project/runtime'], [/^commonjs(?:Helpers|-dynamic)/, 'vite'],
]
// Other files are equal by chance.
const MIN_COPY_BYTES = 100
const MIN_SAMPLE_CHARACTERS = 12

const digestOf = (content) => createHash('sha256').update(content).digest('hex')
const read = (path) => JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
const bare = (id) => id.replace(/^\0/, '').replace(/[?#].*$/s, '').replace(/^\/@fs(?=\/)/, '')

function licenseOf({ license, licenses }) {
  const names = [license ?? licenses ?? []].flat().map((item) => (typeof item === 'string' ? item : item?.type))
  return names.filter(Boolean).join(' OR ')
}

// The folder of the package that a file belongs to; of one outside of node_modules the nearest with a named package.json.
export function packageFolder(file) {
  const [, folder] = /^(.*[/\\]node_modules[/\\](?:@[^/\\]+[/\\])?[^./\\@][^/\\]*)[/\\]/s.exec(file) ?? []
  if (folder && !/[/\\]node_modules[/\\]/.test(file.slice(folder.length))) return folder
  for (let parent = dirname(file); parent !== dirname(parent); parent = dirname(parent)) {
    const manifest = join(parent, 'package.json')
    if (existsSync(manifest) && read(manifest).name) return parent
  }
  return undefined
}

function collector(app) {
  const packages = new Map() // folder -> package
  const add = (file, name) => {
    const folder = existsSync(file) ? packageFolder(realpathSync(file)) : undefined
    if (!folder || folder === app || !existsSync(join(folder, 'package.json'))) return Boolean(folder)
    if (!packages.has(folder)) {
      const manifest = read(join(folder, 'package.json'))
      const isSibling = !/[/\\]node_modules[/\\]/.test(folder)
      packages.set(folder, { name: manifest.name, version: manifest.version ?? '0.0.0', license: licenseOf(manifest), isSibling, files: new Set() })
    }
    packages.get(folder).files.add(name)
    return true
  }
  return { packages, add }
}

// The site's file that a chunk is in: its own, the styles that are all of it, or the page that a plugin has put it into;
// undefined for a chunk of another program, such as a configuration or a server's part.
function fileOf(chunk, names, texts) {
  if (names.has(chunk.name)) return chunk.name
  if (chunk.styles && chunk.modules.every(({ length, isStyle }) => isStyle || !length)) return chunk.styles
  return chunk.isRemoved ? textWith(chunk.sample, texts) : undefined
}

const textWith = (sample, texts) =>
  sample.length < MIN_SAMPLE_CHARACTERS ? undefined : texts().find(([, text]) => text.includes(sample))?.[0]

// The chunks of all bundles, each with the file of the site that most likely has its styles: a file of styles, or the page
// that they were put into.
function chunksOf(records, names, texts) {
  const stem = (name) => name.replace(/[-.][\w-]{8}\.\w+$|\.\w+$/, '')
  return records.flatMap(({ chunks, styles }) => {
    const pairs = styles.map(([name, sample]) => [stem(name), names.has(name) ? name : textWith(sample, texts)])
    const files = pairs.filter(([, file]) => file)
    const own = (chunk) => (files.find(([name]) => name === stem(chunk.name)) ?? files[0])?.[1]
    return chunks.map((chunk) => ({ ...chunk, styles: own(chunk) }))
  })
}

// A worker that Vite puts into a script (?worker&inline) has a bundle of its own, whose entry is the worker's file.
function inlined(chunks, facades) {
  const workers = chunks.filter(({ facade }) => facade && facades.has(bare(facade)))
  return workers.map((chunk) => [chunk, facades.get(bare(chunk.facade))])
}

function addChunk(chunk, name, { add, virtual, facades }) {
  for (const { id, length, isStyle, files } of chunk.modules) {
    if (!length && !isStyle) continue
    const target = (isStyle && !length && chunk.styles) || name
    if (!add(bare(id), target) && !id.startsWith('/')) virtual.add(id.replace(/^\0/, ''))
    for (const file of files) add(bare(file), target)
    if (/[?&](?:shared)?worker\b/.test(id) && /[?&]inline\b/.test(id)) facades.set(bare(id), name)
  }
}

// Files that a plugin or a script has copied out of a package, which no bundle tells of.
function addCopies(root, dist, names, add) {
  const bySize = new Map()
  for (const name of names) {
    const size = statSync(join(dist, name)).size
    if (size >= MIN_COPY_BYTES) bySize.set(size, [...(bySize.get(size) ?? []), name])
  }
  const visit = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && entry.name !== '.cache') visit(path)
      const equal = entry.isFile() ? bySize.get(statSync(path).size) : undefined
      if (!equal) continue
      const content = readFileSync(path)
      for (const name of equal) if (content.equals(readFileSync(join(dist, name)))) add(path, name)
    }
  }
  for (const folder of new Set([root, process.cwd()])) {
    if (bySize.size && existsSync(join(folder, 'node_modules'))) visit(join(folder, 'node_modules'))
  }
}

function helpersOf(virtual, version) {
  const helpers = new Map()
  for (const id of virtual) {
    const name = HELPERS.find(([pattern]) => pattern.test(id))?.[1] ?? version.names.find((each) => id.startsWith(`${each}/`))
    if (name) helpers.set(name, [...(helpers.get(name) ?? []), id])
  }
  return [...helpers].map(([name, modules]) => ({ name, version: version.of(name), modules: modules.sort() }))
}

// `names` are the files of the site in the folder `dist`, `records` the folder of what hooks.cjs recorded.
export function bundleReport(dist, names, records, manager) {
  const app = realpathSync('.')
  const root = rootOf(app)
  const all = existsSync(records) ? readdirSync(records).sort().map((name) => read(join(records, name))) : []
  const { packages, add } = collector(app)
  const state = { add, virtual: new Set(), facades: new Map() }
  let cache
  const texts = () => (cache ??= [...names].filter((name) => /\.(?:html?|[cm]?js)$/i.test(name)).map((name) => [name, readFileSync(join(dist, name), 'utf8')]))
  const chunks = chunksOf(all, names, texts)
  const used = chunks.map((chunk) => [chunk, fileOf(chunk, names, texts)]).filter(([, name]) => name)
  for (const [chunk, name] of used) addChunk(chunk, name, state)
  // The part of a server, which has the styles of pages that it has written while the site was built.
  for (const chunk of chunks.filter((one) => one.styles && !used.some(([other]) => other === one))) {
    addChunk({ ...chunk, modules: chunk.modules.filter(({ length, isStyle }) => isStyle && !length) }, chunk.styles, state)
  }
  for (const [chunk, name] of inlined(chunks, state.facades)) addChunk(chunk, name, state)
  const explained = new Set(used.map(([, name]) => name))
  for (const { name, origins } of all.flatMap((record) => record.assets)) {
    if (!names.has(name)) continue
    for (const origin of origins) add(resolve(bare(origin)), name)
    if (origins.length || /\.(?:css|html?)$/i.test(name)) explained.add(name)
  }
  addCopies(root, dist, [...names].filter((name) => !explained.has(name)), add)
  const lock = lockedPackages(root, manager)
  const version = { of: (name) => lock.packages.find((entry) => entry.name === name)?.version ?? '', names: lock.packages.map((entry) => entry.name) }
  const recordedNames = new Set([...used.map(([, file]) => file), ...all.flatMap(({ assets }) => assets.map((one) => one.name))])
  const { name, version: appVersion = '0.0.0' } = read('package.json')
  return {
    app: { name: name ?? '', version: appVersion, license: licenseOf(read('package.json')) },
    unrecorded: [...names].filter((file) => /\.(?:[cm]?js|css)$/i.test(file) && !recordedNames.has(file)).sort(),
    files: Object.fromEntries([...names].sort().map((file) => [file, digestOf(readFileSync(join(dist, file)))])),
    packages: [...packages.values()].map((one) => ({ ...one, files: [...one.files].sort() })).sort(byName),
    helpers: helpersOf(state.virtual, version),
    virtual: [...state.virtual].sort(),
    lock,
  }
}

const byName = (one, other) => (`${one.name}@${one.version}` < `${other.name}@${other.version}` ? -1 : 1)

// The folder of the app's workspace, which the Dockerfile names by the app's path in it.
const rootOf = (app) => resolve(app, relative(resolve('/', process.env.PATH_IN_ROOT || '.'), '/') || '.')
