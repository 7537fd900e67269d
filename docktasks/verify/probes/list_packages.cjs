// Prints the packages in folders node_modules: for each its folder, its name and its version, or '' for a link to a package
// of the workspace.
const { existsSync, readdirSync, readFileSync, realpathSync } = require('node:fs')
const list = (folder, bundled = []) => {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : []
  return names.flatMap((name) => {
    const path = `${folder}/${name}`
    if (name.startsWith('@')) return list(path, bundled)
    // What a package brings along is in its archive, and not in each lock file.
    if (!existsSync(`${path}/package.json`) || bundled === true || bundled.some((one) => path.endsWith(`/${one}`))) return []
    const manifest = JSON.parse(readFileSync(`${path}/package.json`, 'utf8').replace(/^\uFEFF/, ''))
    const { name: ownName = '', version = '', bundleDependencies, bundledDependencies } = manifest
    if (!realpathSync(path).includes('/node_modules/')) return [[path, ownName, '']]
    return [[path, ownName, version.split('+')[0]], ...(realpathSync(path) === path ? list(`${path}/node_modules`, bundleDependencies || bundledDependencies || []) : [])]
  })
}
console.log(JSON.stringify(process.argv.slice(1).flatMap((folder) => list(folder))))
