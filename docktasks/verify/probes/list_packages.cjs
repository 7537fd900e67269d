// Prints the packages in folders node_modules: for each its folder, its name and its version, or '' for a link to a package
// of the workspace.
const { existsSync, readdirSync, readFileSync, realpathSync } = require('node:fs')
const list = (folder) => {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : []
  return names.flatMap((name) => {
    const path = `${folder}/${name}`
    if (name.startsWith('@')) return list(path)
    if (!existsSync(`${path}/package.json`)) return []
    const { name: ownName = '', version = '' } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'))
    if (!realpathSync(path).includes('/node_modules/')) return [[path, ownName, '']]
    return [[path, ownName, version.split('+')[0]], ...(realpathSync(path) === path ? list(`${path}/node_modules`) : [])]
  })
}
console.log(JSON.stringify(process.argv.slice(1).flatMap(list)))
