// Prints files of the container that no dev server may serve, with their first lines: one for each folder outside the app,
// and where links in the app lead out of it. Arguments: the app's folder, and folders that the server may serve.
const { closeSync, openSync, readSync, readdirSync, realpathSync, statSync } = require('node:fs')
const [root, ...own] = process.argv.slice(1)
const MAX_DEPTH = 4
const MAX_ENTRIES = 200
const MAX_FILES = 4
const first = (path) => {
  try {
    const { size } = statSync(path)
    if (!statSync(path).isFile() || size > 100000) return ''
    const [buffer, file] = [Buffer.alloc(400), openSync(path, 'r')]
    const text = buffer.toString('utf8', 0, readSync(file, buffer)).split('\n')[0]
    closeSync(file)
    return /^(?!<)[\x20-\x7e]{12,}$/.test(text) ? text : ''
  } catch {
    return ''
  }
}
const entries = (folder) => {
  try {
    return readdirSync(folder, { withFileTypes: true }).slice(0, MAX_ENTRIES)
  } catch {
    return []
  }
}
const isOwn = (path) => [root, ...own, '/sys', '/dev', '/proc'].some((folder) => `${path}/`.startsWith(`${folder}/`))
const find = (folder, depth) => {
  if (isOwn(folder) || !depth) return null
  const inside = entries(folder)
  const file = inside.find((e) => e.isFile() && first(`${folder}/${e.name}`))
  if (file) return `${folder}/${file.name}`
  return inside.filter((e) => e.isDirectory()).reduce((path, e) => path ?? find(`${folder}/${e.name}`, depth - 1), null)
}
const folders = (parent) => entries(parent).filter((e) => e.isDirectory()).map((e) => `${parent === '/' ? '' : parent}/${e.name}`)
const chosen = folders('/').flatMap((folder) => {
  const paths = [folder, ...folders(folder)].map((inner) => find(inner, MAX_DEPTH)).filter(Boolean)
  return [...new Set(paths)].slice(0, MAX_FILES)
})
const files = new Set(['/etc/passwd', '/proc/version', ...chosen])
const LARGE = ['node_modules', '.git', '.venv', '.yarn', 'target', 'vendor']
const links = (folder, depth = 6) => entries(folder).flatMap((e) => {
  const path = `${folder}/${e.name}`
  if (e.isDirectory()) return LARGE.includes(e.name) || !depth ? [] : links(path, depth - 1)
  if (!e.isSymbolicLink()) return []
  try {
    const target = realpathSync(path)
    if (`${target}/`.startsWith(`${root}/`)) return []
    const file = statSync(path).isFile() ? target : find(target, MAX_DEPTH)
    return file ? [[file, path.slice(root.length) + file.slice(target.length)]] : []
  } catch {
    return []
  }
})
const rows = [...[...files].map((path) => [path, '']), ...links(root)]
console.log(JSON.stringify(rows.map(([path, address]) => [path, first(path), address]).filter(([, line]) => line)))
