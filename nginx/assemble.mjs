// Assembles what the image gets of what a build writes, in the app's folder:
//     sh build.sh npm run build | node assemble.mjs DIST NGINX VERSION OUT BUILT CACHE
// (VERSION: a file with what `nginx -v` says; CACHE: a folder that stays from build to build)
//     OUT/srv/site        the site, and beside each file that shrinks its gzip twin, for gzip_static
//     OUT/srv/br          the brotli twins under the files' own names, so that their type follows from the name
//     OUT/srv/hashed      the same two for the files with a hash in their name: what nginx lets be kept for a year, and
//                         releases carry over (here alone it is told which these are)
//     OUT/srv/run         a link to /tmp, where a container keeps what it makes of its environment
//     OUT/etc/nginx       the configuration, for that version of nginx
//     and the two scripts, where they are run from
//     BUILT               DIST itself, for the stage dist
// The same input gives the same bytes, modes and times, whatever umask and clock the build ran with: so an unchanged
// app is an unchanged layer.
import { createHash, randomUUID } from 'node:crypto'
import { chmodSync, chownSync, linkSync, mkdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { argv, getgid, getuid, stdin, umask, versions } from 'node:process'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { brotliCompress, constants, gzip } from 'node:zlib'

const { chmod, lutimes, mkdir, readdir, readFile, realpath, rename, rm, stat, symlink, utimes, writeFile } = fs
const [given, nginx, versionFile, out, built, cache] = argv.slice(2)

// It starts with the build, and makes meanwhile what does not need the site. A file system's clock may be behind by a
// hundredth of a second.
const began = performance.timeOrigin - 10
const ended = text(stdin)
umask(0)

// What is text to a compressor; images, fonts in woff2, and media are compressed already.
const COMPRESSIBLE =
  /\.(css|csv|eot|geojson|html?|ico|json|jsonld|m?js|map|md|otf|svg|ttf|txt|vtt|wasm|webmanifest|xml)$/i
// gzip adds 18 bytes, and a few hundred are an answer's head.
const TOO_SMALL = 100
const BINARY = /\.(eot|ico|otf|ttf|wasm)$/i

const below = async (folder, wanted) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(wanted)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
const files = (folder) => below(folder, (entry) => entry.isFile())

// nginx makes a file's ETag from its size and its time of modification. This time is made from the content, so that the
// ETag is, too: files that differ never share one (no 304 with the old page after a release, as happens when every file
// gets the commit's time), and a file that a release leaves alone keeps its own. Below 2^30, so always in the past.
// https://nginx.org/en/docs/http/ngx_http_core_module.html#etag
const timeOf = (content) => createHash('sha256').update(content).digest().readUInt32BE() >>> 2

const made = new Set()
function makeFolder(path) {
  if (!made.has(path)) mkdirSync(path, { recursive: true })
  made.add(path)
}

async function put(path, content, mode = 0o644) {
  makeFolder(dirname(path))
  await writeFile(path, content, { mode })
  await utimes(path, timeOf(content), timeOf(content))
}

// As another name of a file that is there, which takes a sixth of the time.
function putSame(path, from, content) {
  makeFolder(dirname(path))
  linkSync(from, path)
  const { uid, gid, mode } = statSync(path) // a build may unpack an archive with somebody else's files
  if (uid !== getuid() || gid !== getgid()) chownSync(path, getuid(), getgid())
  if ((mode & 0o7777) !== 0o644) chmodSync(path, 0o644)
  utimesSync(path, timeOf(content), timeOf(content))
}

// Vite names what it builds by the content: name-Hash1234.js, eight characters of base64url. A file of public/ keeps its
// name while its content may change, however the name ends; and eight small letters may be a word (user-settings.js of
// a build that is told to leave hashes out), unless all that was built in that folder ends in a dash and eight characters.
// https://vite.dev/guide/assets#the-public-directory
const LIKE_HASHED = /-[\w-]{8}\.[^/.][^/]*$/
const NO_WORD = /-(?=[\w-]*[A-Za-z])(?=[\w-]*[A-Z0-9_])[\w-]{8}\.[^/]+$/
function hashedAmong(names, fromPublic) {
  const built = names.filter((name) => !fromPublic.has(name) && !/\.html?$/i.test(name))
  const named = new Set(built.filter((name) => !LIKE_HASHED.test(name)).map(dirname))
  return new Set(built.filter((name) => LIKE_HASHED.test(name) && (NO_WORD.test(name) || !named.has(dirname(name)))))
}

// Brotli's highest level takes a second for a megabyte; the one below takes two fifths of that, and makes 2 % more of it
// (1.4 to 3.3 %: thirteen libraries' scripts, styles and maps, of 70 kB to 3 MB). From 128 kB on the eighth of a second
// that an edit would wait is more than the 2 % are worth.
const LARGE = 128 * 1024

// What it makes follows from the content alone, so that of the last build of this app is used again: an edit compresses
// what it changed. https://nodejs.org/api/v8.html#serialization-api
const { name: app = '' } = JSON.parse(await readFile('package.json', 'utf8'))
const known = createHash('sha256').update(`${app} ${versions.node} ${versions.brotli}`).digest('hex')
const twinsPath = join(cache, `twins-${known.slice(0, 12)}`)
const before = await readFile(twinsPath).then(deserialize).catch(() => new Map())
const now = new Map()

async function brotli(content, binary) {
  const quality = constants.BROTLI_MAX_QUALITY - (content.length < LARGE ? 0 : 1)
  const of = createHash('sha256').update(`${binary} ${quality} `).update(content).digest('base64')
  const twin =
    before.get(of) ??
    (await promisify(brotliCompress)(content, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_MODE]: binary ? constants.BROTLI_MODE_GENERIC : constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      },
    }))
  now.set(of, twin)
  return twin
}

const twins = new Set()
async function putSiteFile(path) {
  const name = relative(dist, path)
  const content = readFileSync(path)
  const srv = join(out, hashed.has(name) ? 'srv/hashed' : 'srv')
  const target = join(srv, 'site', name)
  if (!twins.has(target)) putSame(target, path, content)
  if (!COMPRESSIBLE.test(name) || content.length < TOO_SMALL) return
  const [zipped, twin] = await Promise.all([
    promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
    brotli(content, BINARY.test(name)),
  ])
  if (zipped.length >= content.length) return
  // Where the build has made one, too, ours takes its place: it is this file's without a doubt.
  twins.add(`${target}.gz`)
  if (names.has(`${name}.gz`)) await rm(`${target}.gz`, { force: true })
  await put(`${target}.gz`, zipped)
  if (twin.length < zipped.length) await put(join(srv, 'br', name), twin)
}

// An app may name another folder in its vite.config: the one with the page that was written since the build began. Only
// where there is none is a page that was there before what the build is for.
async function filled() {
  const expected = await stat(join(given, 'index.html')).catch(() => null)
  if (expected?.ctimeMs > began) return given // a copied page may have an older time of its own
  const folders = [...(await readdir('.', { withFileTypes: true }))].filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules',
  )
  const pages = (await Promise.all(folders.map((entry) => files(entry.name)))).flat()
  const found = []
  for (const page of pages.filter((path) => /(^|\/)index\.html$/.test(path))) {
    if ((await stat(page)).mtimeMs > began) found.push(dirname(page))
  }
  return found.sort((one, other) => one.length - other.length)[0] ?? (expected ? given : null)
}

// A directive that an older nginx would not start with stands below a comment with the version that brought it:
//     # nginx >= 1.27.4: why it is wanted
// An older nginx gets the comment alone.
const numbers = (version) => version.split('.').map(Number)
const said = await readFile(versionFile, 'utf8')
const version = said.match(/\/(\d+(?:\.\d+)+)/)?.[1]
if (!version) {
  console.error(`NGINX_IMAGE has no nginx whose version could be told: nginx -v says "${said.trim()}".`)
  process.exit(1)
}
function older(wanted) {
  const [have, want] = [numbers(version), numbers(wanted)]
  const place = want.findIndex((number, at) => number !== (have[at] ?? 0))
  return place >= 0 && (have[place] ?? 0) < want[place]
}
const forThisVersion = (conf) =>
  conf.replace(/^ *# nginx >= ([\d.]+):.*\n(?: *#.*\n)*([^#;]*;)\n/gm, (text, wanted, directive) => {
    if (!older(wanted)) return text
    console.log(`NOTICE: left out, since nginx is ${version}, and it takes ${wanted}: ${directive.trim()}`)
    return text.replace(`${directive}\n`, '')
  })

for (const path of await files(nginx)) {
  if (!path.endsWith('.conf')) continue
  await put(join(out, 'etc/nginx', relative(nginx, path)), forThisVersion(await readFile(path, 'utf8')))
}
for (const [script, place] of [
  ['carry.sh', 'usr/local/bin/carry'],
  ['hold.sh', 'usr/local/bin/hold'],
  ['env.sh', 'docker-entrypoint.d/30-hello-dock-env.sh'],
]) {
  await put(join(out, place), await readFile(join(nginx, script)), 0o755)
}

if ((await ended) !== 'built\n') {
  console.error('The build did not come to its end: nothing is assembled.')
  process.exit(1)
}
const dist = await filled()
if (!dist) {
  console.error(`${given}/index.html does not exist after the build: DIST_DIR (app.dist) names the folder it writes.`)
  process.exit(1)
}
if (dist !== given) console.log(`NOTICE: the build filled ${dist}, not ${given}`)
const site = await files(dist)
// It may lead out of the site, or nowhere.
for (const path of await below(dist, (entry) => entry.isSymbolicLink())) {
  console.log(`NOTICE: left out, since it is a link (have the build copy what it names): ${relative(dist, path)}`)
}
const names = new Set(site.map((path) => relative(dist, path)))
const hashed = hashedAmong(
  [...names],
  new Set((await files('public').catch(() => [])).map((path) => relative('public', path))),
)
// Eight files, so twice as many at a time as node has threads, each with two compressors: thousands at once would take
// gigabytes.
await Promise.all(Array.from({ length: 8 }, async (_, first) => {
  for (let at = first; at < site.length; at += 8) await putSiteFile(site[at])
}))
const writing = `${twinsPath}.${randomUUID()}` // another build of this app may be writing, too
await writeFile(writing, serialize(now))
await rename(writing, twinsPath)

// An app with a base path names its files below that: /shop/assets/… of what is in assets/. The site is served there, and
// at / as well, for a proxy in front may take the base away. https://vite.dev/guide/build#public-base-path
const page = await readFile(join(dist, 'index.html'), 'utf8')
const candidates = [...(hashed.size ? hashed : names)]
const loaded = [...page.matchAll(/<(?:script|link)\s[^>]*?(?:src|href)=["']?(\/(?!\/)[^"'\s>?#%]*)/g)].map(([, url]) => url)
const bases = loaded.flatMap((url) =>
  candidates.filter((name) => url.endsWith(`/${name}`)).map((name) => url.slice(0, -name.length)),
)
const base = bases.sort((one, other) => one.length - other.length)[0] ?? '/'
if (base !== '/') {
  console.log(`NOTICE: the site is served at ${base}, and at / as well`)
  const pattern = base.replace(/[^\w/-]/g, '\\$&')
  await put(join(out, 'etc/nginx/base/base.conf'), `rewrite "^${pattern}(.*)$" /$1 last;\n`)
}

// nginx serves one file of it (serving/site.conf). A link, for a path in nginx that leads out of its root is none.
await symlink('/tmp', join(out, 'srv/run'))
await lutimes(join(out, 'srv/run'), 0, 0)
// Where a volume with earlier releases' assets is mounted.
await mkdir(join(out, 'srv/carried'), { recursive: true })
for (const path of [out, ...(await below(out, (entry) => entry.isDirectory()))]) {
  await chmod(path, 0o755)
  await utimes(path, 0, 0)
}
await mkdir(dirname(built), { recursive: true })
await rename(await realpath(dist), built)
