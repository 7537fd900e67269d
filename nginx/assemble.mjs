// Assembles what the image gets: node assemble.mjs DIST NGINX OUT
//     OUT/srv/site        the site, and beside each file that shrinks its gzip twin, for gzip_static
//     OUT/srv/br          the brotli twins under the files' own names, so that their type follows from the name
//     OUT/etc/nginx       the configuration
// The same input gives the same bytes, modes and times, whatever umask and clock the build ran with: so an unchanged
// app is an unchanged layer.
import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { argv } from 'node:process'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const [dist, nginx, out] = argv.slice(2)

// What is text to a compressor; images, fonts in woff2, and media are compressed already.
const COMPRESSIBLE =
  /\.(css|csv|eot|geojson|html?|ico|json|jsonld|m?js|map|md|otf|svg|ttf|txt|vtt|wasm|webmanifest|xml)$/i
const BINARY = /\.(eot|ico|otf|ttf|wasm)$/i

const files = async (folder) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

// nginx makes a file's ETag from its size and its time of modification. This time is made from the content, so that the
// ETag is, too: files that differ never share one (no 304 with the old page after a release, as happens when every file
// gets the commit's time), and a file that a release leaves alone keeps its own. Below 2^30, so always in the past.
// https://nginx.org/en/docs/http/ngx_http_core_module.html#etag
const timeOf = (content) => createHash('sha256').update(content).digest().readUInt32BE() >>> 2

async function put(path, content) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
  await chmod(path, 0o644)
  await utimes(path, timeOf(content), timeOf(content))
}

async function putSiteFile(path) {
  const name = relative(dist, path)
  const content = await readFile(path)
  await put(join(out, 'srv/site', name), content)
  if (!COMPRESSIBLE.test(name)) return
  const zipped = await promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION })
  if (zipped.length >= content.length) return
  await put(join(out, 'srv/site', `${name}.gz`), zipped)
  const { BROTLI_MODE_GENERIC, BROTLI_MODE_TEXT } = constants
  const brotli = await promisify(brotliCompress)(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: BINARY.test(name) ? BROTLI_MODE_GENERIC : BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  })
  if (brotli.length < zipped.length) await put(join(out, 'srv/br', name), brotli)
}

const site = await stat(join(dist, 'index.html')).then(() => files(dist), () => [])
if (site.length === 0) {
  console.error(`${dist}/index.html does not exist after npm run build: DIST_DIR names the folder it writes.`)
  process.exit(1)
}
await Promise.all(site.map(putSiteFile))
for (const path of await files(nginx)) {
  if (path.endsWith('.conf')) await put(join(out, 'etc/nginx', relative(nginx, path)), await readFile(path))
}
// Where a volume with earlier releases' assets is mounted.
await mkdir(join(out, 'srv/carried'), { recursive: true })
const folders = (await readdir(out, { recursive: true, withFileTypes: true })).filter((entry) => entry.isDirectory())
for (const path of [out, ...folders.map((entry) => join(entry.parentPath, entry.name))]) {
  await chmod(path, 0o755)
  await utimes(path, 0, 0)
}
