// Compresses with brotli, and keeps the copies from build to build: an edit compresses only what it changed.
import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { versions } from 'node:process'
import { promisify } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { brotliCompress, constants } from 'node:zlib'

// Brotli level 11 takes 2.5 times as long as level 10, and saves 2 % more (1.4 to 3.3 % of the scripts, styles and maps
// of thirteen libraries, 70 kB to 3 MB). From this size on an edit would wait an eighth of a second for that.
const MIN_LEVEL_10_BYTES = 128 * 1024

// A file of brotli copies, each under a hash of its source. It holds those that the last build of the app used.
export class BrotliCache {
  constructor(folder, app) {
    const key = createHash('sha256').update(`${app} ${versions.node} ${versions.brotli}`).digest('hex')
    this.path = join(folder, `brotli-${key.slice(0, 12)}`)
    this.used = new Map()
  }

  async load() {
    this.stored = await readFile(this.path).then(deserialize).catch(() => new Map())
  }

  async save() {
    const unfinished = `${this.path}.${randomUUID()}` // another build of this app may write at the same time
    await writeFile(unfinished, serialize(this.used))
    await rename(unfinished, this.path)
  }

  async compress(content, mode) {
    const quality = constants.BROTLI_MAX_QUALITY - (content.length < MIN_LEVEL_10_BYTES ? 0 : 1)
    const key = createHash('sha256').update(`${mode} ${quality} `).update(content).digest('base64')
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_MODE]: mode === 'text' ? constants.BROTLI_MODE_TEXT : constants.BROTLI_MODE_GENERIC,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    }
    this.used.set(key, this.stored.get(key) ?? (await promisify(brotliCompress)(content, { params })))
    return this.used.get(key)
  }
}
