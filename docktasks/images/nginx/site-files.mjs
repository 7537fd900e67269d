// The files of a site by class, from what the build wrote and what was there before:
//     page     HTML
//     hashed   named by the bundler from its content: kept for a year, and there for pages of earlier releases
//     built    written by the build under another name: revalidated, and there for pages of earlier releases
//     copied   from a public directory, or nothing that an open page can need: revalidated, and gone when a release
//              lacks it
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { hashedAmong } from './hashed-names.mjs'
import { isPage } from './site-folder.mjs'

export async function entriesBelow(folder, filter) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(filter).map((entry) => join(entry.parentPath, entry.name)).sort()
}
export const filesBelow = (folder) => entriesBelow(folder, (entry) => entry.isFile())

// An address cannot hold a character below the space, and names that are no UTF-8 reach JavaScript with U+FFFD.
export const unservable = (names) => names.filter((name) => /[\u0000-\u001f\u007f\ufffd]/.test(name))

// The app's files before the build, without packages, repositories and `dist`: path -> size.
export async function sourceFiles(started, dist) {
  const sizes = new Map()
  async function walk(folder) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && path !== dist && !['node_modules', '.git'].includes(entry.name)) await walk(path)
      const file = entry.isFile() && (await stat(path).catch(() => null))
      if (file?.ctimeMs <= started) sizes.set(path, file.size)
    }
  }
  await walk('.')
  return sizes
}

// The names that are the end of a path in the source: Vite and its plugins copy such files, and keep their names when
// the content changes. https://vite.dev/guide/assets#the-public-directory
// name -> paths in the source
export function namesFromSource(names, sourcePaths) {
  const origins = new Map()
  for (const path of sourcePaths) {
    for (let start = 0; ; start = path.indexOf('/', start) + 1) {
      const name = path.slice(start)
      if (names.has(name)) origins.set(name, [...(origins.get(name) ?? []), path])
      if (!name.includes('/')) break
    }
  }
  return origins
}

// A public directory is copied as a whole: the site has every file below it. A file that a script imports from src/ may
// keep its name, too, and then its folder has more.
function publicFolders(origins, names, sourcePaths) {
  const folders = new Set()
  for (const [name, paths] of origins) for (const path of paths) folders.add(path.slice(0, -name.length - 1))
  const isWhole = (folder) =>
    folder &&
    sourcePaths.every((path) => !path.startsWith(`${folder}/`) || names.has(path.slice(folder.length + 1)))
  return new Set([...folders].filter(isWhole))
}

async function isCopy(dist, name, path, size) {
  if ((await stat(join(dist, name))).size !== size) return false
  const [one, other] = await Promise.all([readFile(join(dist, name)), readFile(path)])
  return one.equals(other)
}

async function copiedNames(dist, names, origins, source) {
  const folders = publicFolders(origins, names, [...source.keys()])
  const copied = new Set()
  for (const [name, paths] of origins) {
    for (const path of paths) {
      const folder = path.slice(0, -name.length - 1)
      if (folders.has(folder) && (await isCopy(dist, name, path, source.get(path)))) copied.add(name)
    }
  }
  return copied
}

// An open page asks for none of these by itself, and an old one would be wrong: what a browser installs, manifests,
// the number of the newest version, files for crawlers. Nor does nginx serve hidden files (serving/site.conf).
const CURRENT_ONLY = [
  /(?:^|\/)\./,
  /(?:^|\/)(?:.*-)?(?:sw|service-?worker|ServiceWorker|SDKWorker|registerSW)(?:\.dev)?\.[cm]?js$/i,
  /(?:^|\/)(?:asset-|ssr-)?manifest\.json$|\.webmanifest$/i,
  /(?:^|\/)(?:version|latest|build-info)\.json$/i,
  /^(?:robots|ads|humans|llms)\.txt$|(?:^|\/)(?:sitemap|feed|rss|atom)[\w-]*\.(?:xml|txt)$/i,
  /^(?:_redirects|_headers|env\.js)$/,
]
const REGISTRATION = /serviceWorker\s*(?:\?\.|\.)\s*register\(\s*(?:new URL\(\s*)?["'`]([^"'`?#]+)/g
const MANIFEST_LINK = /<link\s[^>]*rel=["']?manifest["'\s>][^>]*/gi
const HREF = /href=["']?([^"'\s>?#]+)/i

// The last parts of the addresses by which a page or a script registers a service worker or links its manifest.
export function currentOnlyNames(name, text) {
  const registered = [...text.matchAll(REGISTRATION)].map(([, url]) => url)
  const links = isPage(name) ? [...text.matchAll(MANIFEST_LINK)].map(([link]) => link.match(HREF)?.[1] ?? '') : []
  return [...registered, ...links].map((url) => url.slice(url.lastIndexOf('/') + 1)).filter(Boolean)
}

async function currentOnlyNamesIn(dist, names) {
  const lastParts = new Set()
  for (const name of names) {
    if (!isPage(name) && !/\.[cm]?js$/i.test(name)) continue
    for (const url of currentOnlyNames(name, await readFile(join(dist, name), 'utf8'))) lastParts.add(url)
  }
  return lastParts
}

// A map or a list of licences is named after another file, and differs when that one's content is the same.
function isNamedAfterAnother(name, names) {
  const parts = name.split('.')
  return !name.endsWith('.gz') && parts.some((_, index) => index > 0 && names.has(parts.slice(0, index).join('.')))
}

// The classes of the files of `dist`.
export async function classify(dist, names, started) {
  const source = await sourceFiles(started, dist)
  const origins = namesFromSource(names, source.keys())
  const copied = await copiedNames(dist, names, origins, source)
  const currentOnly = await currentOnlyNamesIn(dist, names)
  const pages = [...names].filter(isPage)
  const lasting = [...names].filter(
    (name) =>
      !isPage(name) &&
      !copied.has(name) &&
      !CURRENT_ONLY.some((pattern) => pattern.test(name)) &&
      !currentOnly.has(name.slice(name.lastIndexOf('/') + 1)) &&
      !isNamedAfterAnother(name, names),
  )
  const hashed = hashedAmong(lasting.filter((name) => !origins.has(name)))
  for (const name of [...hashed]) if (names.has(`${name}.gz`)) hashed.add(`${name}.gz`)
  const built = new Set(lasting.filter((name) => !hashed.has(name)))
  return { pages, hashed, built, copied }
}
