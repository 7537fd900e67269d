// The folder that the build of an app filled: what a visitor reaches as /.
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'

export const isPage = (name) => /\.x?html?$/i.test(name)
// Where tools keep what they make on the way to the site, and what they say about it.
const NO_SITE = new Set([
  'node_modules', '.git', '.cache', '.svelte-kit', '.nuxt', '.astro', '.vite', '.turbo', '.parcel-cache', '.angular',
  '.temp', '.react-router', '.tanstack', '.vinxi', '.nitro', 'coverage', 'playwright-report',
])
// Addresses on the same host that a page loads by an absolute path.
const LOADS = /<(?:script|link|img)\s[^>]*?(?:src|href)=["']?(\/(?!\/)[^"'\s>?#]*)/gi

// The files below a folder that the build wrote. By ctime, because a copy may keep its original's mtime.
async function writtenBelow(folder, started, files = []) {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !NO_SITE.has(entry.name)) await writtenBelow(path, started, files)
    // A name that is no UTF-8 cannot be looked at here, and is refused later (assemble.mjs).
    if (entry.isFile() && ((await stat(path).catch(() => null))?.ctimeMs ?? started) >= started) files.push(path)
  }
  return files
}

// a/b/c -> [a, a/b, a/b/c], from `top` on.
function foldersFrom(top, folder) {
  const names = folder.slice(top.length).split('/').filter(Boolean)
  return [top, ...names.map((_, index) => [top, ...names.slice(0, index + 1)].join('/'))]
}

// How many of the addresses that a page loads are files of `root`, also when the app has a base path in front of them.
function countLoaded(addresses, root, files) {
  const isFile = (address) => {
    for (let start = 0; start >= 0; start = address.indexOf('/', start + 1)) {
      if (files.has(root + address.slice(start))) return true
    }
    return false
  }
  return addresses.filter(isFile).length
}

// The folder, from `top` down to the page's own, that has most of what the page loads; with none of it, `otherwise`.
export function rootOf(page, text, top, files, otherwise) {
  const addresses = [...text.matchAll(LOADS)].map(([, address]) => decoded(address))
  let [root, most] = [otherwise, 0]
  for (const folder of foldersFrom(top, dirname(page))) {
    const count = countLoaded(addresses, folder, files)
    if (count > most) [root, most] = [folder, count]
  }
  return root
}

function decoded(address) {
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}

// The first page of a site has the shortest path, and index.html comes before other names.
export const firstPage = (files) =>
  files
    .filter(isPage)
    .sort((one, other) => rank(one) - rank(other) || one.length - other.length || (one < other ? -1 : 1))[0]
const rank = (path) => path.split('/').length - (/(?:^|\/)index\.html?$/i.test(path) ? 0.5 : 0)

// A build for a server, too, has the site in client/, next to server/, which nobody may read.
const hasServer = (folder, files) =>
  ['client', 'server'].every((part) => files.some((path) => path.startsWith(`${folder}/${part}/`)))

async function siteIn(top, started, isDist) {
  const files = await writtenBelow(top, started)
  const page = firstPage(files)
  if (!page) return undefined
  const otherwise = isDist && !hasServer(top, files) ? top : dirname(page)
  return rootOf(page, await readFile(page, 'utf8'), top, new Set(files), otherwise)
}

const OUT_DIR = /(?:\boutDir\s*:\s*|--outDir[ =])["'`]?((?:\.\.\/)+[\w@./-]+)/g

// The folders outside of the app's that its configuration, or its script, names for the build, as nx writes them.
async function namedOutside() {
  const names = (await readdir('.')).filter((name) => /^(?:package\.json|(?:vite|svelte|astro)\.config\.[cm]?[jt]s)$/.test(name))
  const texts = await Promise.all(names.map((name) => readFile(name, 'utf8')))
  return texts.flatMap((text) => [...text.matchAll(OUT_DIR)].map(([, path]) => normalize(path).replace(/\/$/, '')))
}

// DIST if the build wrote a page into it, or the one outside of the app's folder that the configuration names, else the
// folder that it filled: visible ones first, then such as .output. Old pages in DIST came with the source, and count only
// when the build wrote none. Undefined without any page.
export async function findDist(distName, startedFile) {
  const { ctimeMs: started } = await stat(startedFile)
  for (const name of [distName, ...(await namedOutside())]) {
    const site = await siteIn(name, started, true)
    if (site) return site
  }
  const folders = (await readdir('.', { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && !NO_SITE.has(entry.name))
    .map((entry) => entry.name)
  for (const isHidden of [false, true]) {
    const sites = []
    for (const folder of folders.filter((name) => name.startsWith('.') === isHidden)) {
      sites.push(await siteIn(folder, started, false))
    }
    const [shortest] = sites.filter(Boolean).sort((one, other) => one.length - other.length)
    if (shortest) return shortest
  }
  return (await firstPageIn(distName)) && distName
}

const firstPageIn = async (folder) => firstPage(await writtenBelow(folder, 0))
