// Makes the deltas of a release: of each script and style with a hash in its name the difference from the file that an
// earlier release had under that name with another hash. Runs as root, with the volume at /srv/carried (carry.sh):
//     node deltas.mjs
// reads the kept releases from current/released, the latest first, and writes deltas/HASH/PATH: HASH is the earlier
// file's SHA-256 as base64, PATH that of the file. nginx sends it to a browser that names this hash
// (serving/deltas.conf). https://www.rfc-editor.org/rfc/rfc9842#section-6 (dcz)
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync } from 'node:fs'
import { symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import * as zlib from 'node:zlib'

const volume = '/srv/carried'
const lines = readFileSync(join(volume, 'current/released'), 'utf8').split('\n')
const [release, ...earlier] = lines.map((line) => line.split(' ')[0]).filter(Boolean)
const HASHED = /^(.*[-.])[\w-]{8,}(\.(?:m?js|css))$/
// What a release may cost: these limits are the first that it reaches.
const MAX_DELTAS = 500
const MAX_BYTES = 16 << 20
const MAX_FILE_BYTES = 4 << 20
const MAX_DICTIONARIES = 8
// The header of dcz: a frame that zstd skips, with the dictionary's SHA-256.
const MAGIC = Buffer.from('5e2a4d1820000000', 'hex')
// As small as a level 19 makes it, in a tenth of its time.
const LEVEL = 15

function filesOf(name) {
  const site = join(volume, 'releases', name, 'site')
  if (!existsSync(site)) return []
  const entries = readdirSync(site, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return entries.map((entry) => relative(site, join(entry.parentPath, entry.name))).filter((path) => HASHED.test(path))
}

const fileOf = (name, path) => join(volume, 'releases', name, 'site', path)
const nameOf = (path) => path.replace(HASHED, '$1*$2')
const sizeOf = (path) => (existsSync(path) ? statSync(path).size : Infinity)

// The earlier files by their name without the hash, those of the latest release first. One of several chunks of a name is
// as good as the others: the browser says which it has.
function dictionaries(paths) {
  const known = new Set(paths)
  const byName = new Map()
  for (const name of earlier) {
    for (const path of filesOf(name)) {
      if (known.has(path) || sizeOf(fileOf(name, path)) > MAX_FILE_BYTES) continue
      known.add(path)
      byName.set(nameOf(path), [...(byName.get(nameOf(path)) ?? []), fileOf(name, path)])
    }
  }
  return byName
}

// The delta of a file, if it is smaller than each form of the file that nginx sends else, and gives the file again.
function deltaOf(content, dictionary, limit) {
  const options = { dictionary, params: { [zlib.constants.ZSTD_c_compressionLevel]: LEVEL } }
  const frame = zlib.zstdCompressSync(content, options)
  const delta = Buffer.concat([MAGIC, createHash('sha256').update(dictionary).digest(), frame])
  return delta.length < limit && zlib.zstdDecompressSync(frame, { dictionary }).equals(content) ? delta : undefined
}

function write(folder) {
  const paths = filesOf(release)
  const byName = dictionaries(paths)
  let [count, bytes] = [0, 0]
  for (const path of paths) {
    const file = fileOf(release, path)
    const others = (byName.get(nameOf(path)) ?? []).slice(0, MAX_DICTIONARIES)
    if (!others.length || sizeOf(file) > MAX_FILE_BYTES) continue
    const content = readFileSync(file)
    const limit = Math.min(content.length, sizeOf(`${file}.gz`), sizeOf(join(volume, 'releases', release, 'br', path)))
    for (const other of others) {
      const dictionary = readFileSync(other)
      const delta = deltaOf(content, dictionary, limit)
      if (!delta || count === MAX_DELTAS || bytes + delta.length > MAX_BYTES) continue
      const target = join(folder, createHash('sha256').update(dictionary).digest('base64'), path)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, delta)
      count += 1
      bytes += delta.length
    }
  }
  return count ? `${count} delta${count === 1 ? '' : 's'} of ${bytes} bytes` : ''
}

// A link names the folder in use, and a rename puts the new one in its place at once.
const link = join(volume, 'deltas')
const previous = existsSync(link) ? readlinkSync(link) : ''
const next = previous === '.deltas.a' ? '.deltas.b' : '.deltas.a'
rmSync(join(volume, next), { recursive: true, force: true })
mkdirSync(join(volume, next))
const summary = zlib.zstdCompressSync && write(join(volume, next))
rmSync(`${link}.new`, { force: true })
symlinkSync(next, `${link}.new`)
renameSync(`${link}.new`, link)
if (previous) rmSync(join(volume, previous), { recursive: true, force: true })
if (summary === undefined) {
  console.error(`Node ${process.version} has no zstd. Node 22.19 and later have it.`)
  process.exitCode = 1
} else if (summary) console.log(summary)
