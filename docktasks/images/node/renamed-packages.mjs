// Names the packages of a workspace whose new names npm's lock file does not have, though it has all that they need. npm
// refuses it then, though nothing of the registry changes. The package.json files are on standard input, a path a line.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, normalize } from 'node:path'

const FIELDS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
const read = (path) => JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
const sorted = (fields) => JSON.stringify(Object.entries(fields ?? {}).sort())

const { packages = {} } = read(['npm-shrinkwrap.json', 'package-lock.json'].find((name) => existsSync(name)))
const names = readFileSync(0, 'utf8').split('\n').filter(Boolean).flatMap((path) => {
  const [manifest, entry] = [read(path), packages[normalize(dirname(path))]]
  const isSame = entry && FIELDS.every((field) => sorted(manifest[field]) === sorted(entry[field]))
  return isSame && !packages[`node_modules/${manifest.name}`]?.link ? [manifest.name] : []
})
if (names.length) console.log(names.join(' '))
