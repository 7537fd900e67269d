// The files of a site: the folder that the build filled, and which of its files the bundler named by their content.
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

export async function entriesBelow(folder, filter) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(filter).map((entry) => join(entry.parentPath, entry.name)).sort()
}
export const filesBelow = (folder) => entriesBelow(folder, (entry) => entry.isFile())

// The folder with index.html: DIST, or another that the app's vite.config names. Its page is younger than STARTED. A
// page in DIST that is older came with the source, and counts only when the build wrote no other.
export async function findDist(distName, startedFile) {
  const { ctimeMs: started } = await stat(startedFile)
  const expected = await stat(join(distName, 'index.html')).catch(() => null)
  if (expected?.ctimeMs >= started) return distName // ctime, since a copied page keeps its mtime
  const folders = (await readdir('.', { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules',
  )
  const files = (await Promise.all(folders.map((entry) => filesBelow(entry.name)))).flat()
  const written = []
  for (const page of files.filter((path) => /(^|\/)index\.html$/.test(path))) {
    if ((await stat(page)).mtimeMs >= started) written.push(dirname(page))
  }
  // A site may have more pages below its first.
  const [shortest] = written.sort((one, other) => one.length - other.length)
  return shortest ?? (expected && distName)
}

// Vite names a built file by its content: name-Hash1234.js, eight characters of base64url. A file of public/ keeps its
// name when its content changes, however the name ends: https://vite.dev/guide/assets#the-public-directory
// Eight small letters may also be a word (user-settings.js). They count as a hash when every built file of that folder
// ends in a dash and eight characters.
const LIKE_HASHED = /-[\w-]{8}\.[^/.][^/]*$/
const NO_WORD = /-(?=[\w-]*[A-Za-z])(?=[\w-]*[A-Z0-9_])[\w-]{8}\.[^/]+$/
export function hashedAmong(names, publicNames) {
  const builtNames = names.filter((name) => !publicNames.has(name) && !/\.html?$/i.test(name))
  const unhashedFolders = new Set(builtNames.filter((name) => !LIKE_HASHED.test(name)).map(dirname))
  return new Set(
    builtNames.filter((name) => LIKE_HASHED.test(name) && (NO_WORD.test(name) || !unhashedFolders.has(dirname(name)))),
  )
}

// The paths that the files of `public` have in the site.
export async function publicNamesIn(folder) {
  return new Set((await filesBelow(folder).catch(() => [])).map((path) => relative(folder, path)))
}
