// Makes the image's files from what the build of an app wrote. Runs in the app's folder, after the build:
//     node assemble.mjs DIST STARTED NGINX VERSION IMAGE BUILT CACHE
//     DIST      the folder that the build fills, as app.dist names it
//     STARTED   a file that was made just before the build began
//     NGINX     the folder with this program, nginx's configuration and the image's scripts
//     VERSION   a file with the output of `nginx -v`
//     CACHE     a folder that stays from build to build
// and with the settings HELLO_DOCK_CSP and HELLO_DOCK_CSP_SOURCES (policy.mjs), HELLO_DOCK_FALLBACK (pages.mjs) in the
// environment,
// and writes
//     IMAGE/srv/site     the site, and next to each file that compression makes smaller its gzip copy, for gzip_static
//     IMAGE/srv/br       the brotli copies under the files' own names, so that nginx derives the type from the name
//     IMAGE/srv/hashed   the same two folders for the files whose name has a hash of their content
//     IMAGE/srv/run      a link to /tmp, where a container writes what it makes from its environment
//     IMAGE/etc/nginx    the configuration, for that version of nginx
//     IMAGE/usr, /docker-entrypoint.d   the image's scripts
//     IMAGE/usr/local/share/hello-dock/built   the paths of the files that carry.sh keeps for pages of earlier releases
//     BUILT              a link to the folder that the build filled, for the stage dist; next to it maps/ has the
//                        source maps, unless HELLO_DOCK_SOURCE_MAPS is public
// The same input gives the same bytes, modes and times, whatever the umask and the clock: an unchanged app is an
// unchanged layer.
import { existsSync, readFileSync } from 'node:fs'
import { chmod, copyFile, lutimes, mkdir, readdir, readFile, realpath, rm, stat, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, normalize, relative } from 'node:path'
import { argv, env, exit, umask } from 'node:process'
import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { LOADS_ENV } from '../node/vite/runtime-env.mjs'
import { answersOf, withoutOwnFiles } from './answers.mjs'
import { basePathOf } from './base-path.mjs'
import { BrotliCache } from './brotli-cache.mjs'
import { configurationFor, versionIn } from './configuration.mjs'
import { link, write } from './image-files.mjs'
import { withIntegrity } from './integrity.mjs'
import { readSettings } from './policy.mjs'
import { classify, entriesBelow, filesBelow, unservable } from './site-files.mjs'
import { findDist, firstPage, isPage } from './site-folder.mjs'
import { sitePolicy } from './site-policy.mjs'
import { inlineMapsAmong, precachedMap, sourceMapNotices, sourceMapsAmong } from './source-maps.mjs'

const [distArgument, startedFile, nginxFolder, versionFile, image, builtLink, cache] = argv.slice(2)
const distName = normalize(distArgument).replace(/\/$/, '')
umask(0)

// Text, and binary formats that are not compressed already, as images, media and woff2 fonts are.
const COMPRESSIBLE =
  /\.(css|csv|eot|geojson|html?|ico|json|jsonld|m?js|map|md|otf|svg|ttf|txt|vtt|wasm|webmanifest|xml)$/i
const BINARY = /\.(eot|ico|otf|ttf|wasm)$/i
// Below this size gzip's own 18 bytes are more than it saves.
const MIN_COMPRESSED_BYTES = 100
// Each file has two compressors at work, and node has four threads for them. Thousands of files at once take gigabytes.
const FILES_AT_ONCE = 8

function fail(message) {
  console.error(message)
  exit(1)
}

// Ends the build with an error that reaches the user as it is (build_faults.json). The marks at its end show that
// BuildKit's drawing has not cut the line.
function refuse({ what, why, how }) {
  fail(`REFUSED: ${[what, why, how].map((text) => text.replace(/[|\s]+/g, ' ')).join(' | ')} ||`)
}

async function writeConfiguration(adapt) {
  const output = await readFile(versionFile, 'utf8')
  const version =
    versionIn(output) ?? fail(`NGINX_IMAGE has no nginx that tells its version: nginx -v prints "${output.trim()}".`)
  for (const path of await filesBelow(nginxFolder)) {
    if (!path.endsWith('.conf')) continue
    const { text, leftOut } = configurationFor(version, await readFile(path, 'utf8'))
    for (const { required, directive } of leftOut) {
      console.log(`NOTICE: Left out, because nginx is ${version} and it takes ${required}: ${directive}`)
    }
    await write(join(image, 'etc/nginx', relative(nginxFolder, path)), adapt(text))
  }
}

// What answers each address, also where there is no file.
async function writeAnswers(dist, files, ownFiles, base) {
  const sourceNames = await readdir('.')
  const viteConfig = sourceNames.find((name) => /^vite\.config\.[cm]?[jt]s$/.test(name))
  const { refusal, notices, adapt, configuration } = answersOf({
    files,
    read: (name) => ownFiles.get(name) ?? (files.has(name) ? readFileSync(join(dist, name)) : undefined),
    fallback: env.HELLO_DOCK_FALLBACK || 'auto',
    sourceNames,
    viteConfig: viteConfig ? await readFile(viteConfig, 'utf8') : '',
    base,
  })
  if (refusal) refuse(refusal)
  for (const notice of notices) console.log(`NOTICE: ${notice}`)
  await writeConfiguration(adapt)
  for (const [path, text] of Object.entries(configuration())) await write(join(image, 'etc/nginx', path), text)
}

async function writeScripts() {
  const targets = {
    'carry.sh': 'usr/local/bin/carry',
    'hold.sh': 'usr/local/bin/hold',
    'drain.sh': 'usr/local/bin/drain',
    'env.sh': 'docker-entrypoint.d/30-hello-dock-env.sh',
    'api.sh': 'docker-entrypoint.d/31-hello-dock-api.sh',
    'listen.sh': 'docker-entrypoint.d/32-hello-dock-listen.sh',
    'workers.sh': 'docker-entrypoint.d/33-hello-dock-workers.sh',
  }
  for (const [script, target] of Object.entries(targets)) {
    await write(join(image, target), await readFile(join(nginxFolder, script)), 0o755)
  }
  await write(join(image, 'usr/local/share/hello-dock/deltas.mjs'), await readFile(join(nginxFolder, 'deltas.mjs')))
}

async function writeSite(dist, names, hashed) {
  const { name: app = '' } = JSON.parse((await readFile('package.json', 'utf8')).replace(/^\uFEFF/, ''))
  const brotliCache = new BrotliCache(cache, app)
  await brotliCache.load()
  const compressedCopies = new Set()

  async function writeFileAndCopies(name) {
    const content = readFileSync(join(dist, name))
    const root = join(image, hashed.has(name) ? 'srv/hashed' : 'srv')
    const target = join(root, 'site', name)
    if (!compressedCopies.has(target)) link(target, join(dist, name), content)
    if (!COMPRESSIBLE.test(name) || content.length < MIN_COMPRESSED_BYTES) return
    const [gzipped, brotlied] = await Promise.all([
      promisify(gzip)(content, { level: constants.Z_BEST_COMPRESSION }),
      brotliCache.compress(content, BINARY.test(name) ? 'generic' : 'text'),
    ])
    if (gzipped.length >= content.length) return
    // Some builds make a gzip copy, too. Ours takes its place, because it surely is a copy of this file.
    compressedCopies.add(`${target}.gz`)
    if (names.has(`${name}.gz`)) await rm(`${target}.gz`, { force: true })
    await write(`${target}.gz`, gzipped)
    if (brotlied.length < gzipped.length) await write(join(root, 'br', name), brotlied)
  }

  const queue = [...names]
  const workers = Array.from({ length: FILES_AT_ONCE }, async () => {
    while (queue.length) await writeFileAndCopies(queue.shift())
  })
  await Promise.all(workers)
  await brotliCache.save()
}

// A page is written again only when it is UTF-8, as everything that Vite writes.
async function addIntegrity(dist, names) {
  const read = (name) => readFileSync(join(dist, name))
  for (const page of [...names].filter(isPage)) {
    const content = read(page)
    const text = content.toString()
    const changed = withIntegrity(text, page, names, read)
    if (changed === text || !Buffer.from(text).equals(content)) continue
    await rm(join(dist, page)) // it may be a link to the source
    await write(join(dist, page), changed)
  }
}

async function writePolicy(dist, names) {
  const read = (name) => readFileSync(join(dist, name), 'utf8')
  const { configuration, notices } = sitePolicy(policySettings, [...names], read)
  for (const notice of notices) console.log(`NOTICE: ${notice}`)
  await write(join(image, 'etc/nginx/policy/policy.conf'), configuration)
}

async function writeFolders() {
  // nginx serves one file of /tmp (serving/site.conf), by a link, because it accepts no path that leads out of its
  // root.
  await symlink('/tmp', join(image, 'srv/run'))
  await lutimes(join(image, 'srv/run'), 0, 0)
  // A volume with the assets of other releases is mounted on the first. carry.sh reads the second, also when the build
  // named no file by its content.
  for (const name of ['carried', 'hashed']) await mkdir(join(image, 'srv', name), { recursive: true })
  for (const path of [image, ...(await entriesBelow(image, (entry) => entry.isDirectory()))]) {
    await chmod(path, 0o755)
    await utimes(path, 0, 0)
  }
}

// The name of each file that is revalidated and that an open page of this release may ask for after the next.
async function writeBuiltNames(names) {
  const lines = [...names].sort().map((name) => `${name}\n`)
  await write(join(image, 'usr/local/share/hello-dock/built'), lines.join(''))
}

// Vite adds the script to its own pages. A framework such as SvelteKit writes pages by itself.
function checkRuntimeEnv(pages, read) {
  const { runtimeEnv } = JSON.parse(env.HELLO_DOCK_VITE || '{}')
  const without = runtimeEnv ? pages.filter((page) => !LOADS_ENV.test(read(page))) : []
  if (!without.length) return
  const how = 'add <script src="/env.js"></script> to the head of its template, such as src/app.html, before other scripts'
  if (without.length < pages.length) return console.log(`NOTICE: ${without[0]} does not load /env.js: ${how}`)
  refuse({
    what: `No page loads /env.js, for example ${without[0]}.`,
    why: `prod.runtime_env gives ${runtimeEnv.join(', ')} to the pages in that file.`,
    how: `Let the app do it: ${how}`,
  })
}

if (env.HELLO_DOCK_VITE && !existsSync(join(tmpdir(), 'hello-dock-vite.config.mjs'))) {
  const { mode, runtimeEnv } = JSON.parse(env.HELLO_DOCK_VITE)
  const example = `give the mode to the script's own command, such as "build": "astro build --mode ${mode}"`
  const names = [mode && 'build.mode', runtimeEnv && 'prod.runtime_env'].filter(Boolean)
  refuse({
    what: 'The script `build` does not run the command `vite`.',
    why: `No other command gets ${names.join(' and ')}.`,
    how: `Leave the setting out${mode ? ` and ${example}` : ''}, or let the script run \`vite build\``,
  })
}
let policySettings
try {
  policySettings = readSettings(env.HELLO_DOCK_CSP || 'compatible', env.HELLO_DOCK_CSP_SOURCES ?? '')
} catch (error) {
  fail(error.message)
}
const dist =
  (await findDist(distName, startedFile)) ??
  fail(`The build wrote no HTML page into ${distName}, which DIST_DIR (app.dist) names, nor into another folder.`)
if (dist !== distName) console.log(`NOTICE: The build filled ${dist}, not ${distName}`)
for (const path of await entriesBelow(dist, (entry) => entry.isSymbolicLink())) {
  // It may lead out of the site, or nowhere.
  console.log(`NOTICE: Left out, because it is a link (have the build copy what it names): ${relative(dist, path)}`)
}
const names = new Set((await filesBelow(dist)).map((path) => relative(dist, path)))
const nameless = unservable([...names]).map((name) => JSON.stringify(name))
if (nameless.length) {
  refuse({
    what: `The build wrote files whose names no address can hold: ${nameless.slice(0, 5).join(', ')}.`,
    why: 'They have control characters, or are no UTF-8, so no page can name them.',
    how: 'Rename them in the app, or in the plugin that writes them',
  })
}
const isPublic = env.HELLO_DOCK_SOURCE_MAPS === 'public'
const read = (name) => readFileSync(join(dist, name), 'utf8')
const sourceMaps = sourceMapsAmong(names, read)
const precached = !isPublic && precachedMap(sourceMaps, names, read)
if (precached) {
  refuse({
    what: `The service worker's list in ${precached[0]} has the source map ${precached[1]}.`,
    why: 'Source maps are kept out of the site, and a service worker is not installed when a file of its list is missing.',
    how:
      "Leave them out of the list (vite-plugin-pwa: workbox: { globIgnores: ['**/*.map'] }), or serve them: " +
      'INVOKE_BUILD_SOURCE_MAPS=public',
  })
}
const mapsFolder = join(dirname(builtLink), 'maps')
await mkdir(mapsFolder, { recursive: true })
for (const name of sourceMaps) {
  await mkdir(dirname(join(mapsFolder, name)), { recursive: true })
  await copyFile(join(dist, name), join(mapsFolder, name))
  if (isPublic) continue
  names.delete(name)
  await rm(join(dist, name)) // verify compares the image with what is there
}
for (const notice of isPublic ? [] : sourceMapNotices(sourceMaps, inlineMapsAmong(names, read))) {
  console.log(`NOTICE: ${notice}`)
}
const { hashed, built } = await classify(dist, names, (await stat(startedFile)).ctimeMs)
const { leftOut, notices } = withoutOwnFiles([...names])
for (const notice of notices) console.log(`NOTICE: ${notice}`)
const ownFiles = new Map(leftOut.map((name) => [name, readFileSync(join(dist, name))]))
for (const name of leftOut) {
  for (const set of [names, hashed, built]) set.delete(name)
  await rm(join(dist, name)) // verify compares the image with what is there
}
checkRuntimeEnv([...names].filter(isPage), read)
if (policySettings.profile === 'strict') await addIntegrity(dist, names)
await writePolicy(dist, names)
const base = basePathOf(await readFile(join(dist, firstPage([...names])), 'utf8'), [...(hashed.size ? hashed : names)])
if (base) console.log(`NOTICE: The site is served at ${base}/: open it there. It is served at / as well, for a proxy that removes ${base}`)
await writeAnswers(dist, names, ownFiles, base)
await writeScripts()
await writeBuiltNames(built)
await writeSite(dist, names, hashed)
await writeFolders()
await mkdir(dirname(builtLink), { recursive: true })
await symlink(await realpath(dist), builtLink)
if (env.HELLO_DOCK_BUNDLE) {
  const { bundleReport } = await import('../node/bundle/report.mjs')
  const report = bundleReport(dist, names, env.HELLO_DOCK_BUNDLE, env.MANAGER || 'npm')
  await write(join(dirname(builtLink), 'bundle/bundle.json'), JSON.stringify(report))
}
