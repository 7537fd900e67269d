// Names the packages that this machine needs and that an installation left out. Runs in the app's folder, after it:
//     node missing-packages.mjs MANAGER CACHE
//     MANAGER   npm, pnpm, yarn or bun
//     CACHE     the folder of npm's downloads, and of yarn's in its folder yarn/
// All of them end without an error when a package does not arrive that others need only optionally, as bundlers need their
// native parts. Ends with 1 when one is missing. One that is for other machines, whose script failed, or that the app's
// settings leave out is not. https://docs.npmjs.com/cli/configuring-npm/package-json#optionaldependencies
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { platformOfName, readLock } from './lock-files.mjs'

const LOCKS = {
  npm: ['npm-shrinkwrap.json', 'package-lock.json'],
  pnpm: ['pnpm-lock.yaml'],
  yarn: ['yarn.lock'],
  bun: ['bun.lock', 'bun.lockb'],
}

// True when a list as ["linux", "!win32"] has this value, or names no value; package.json also has a text for a list.
function allows(list, value) {
  const values = [list ?? []].flat()
  const allowed = values.filter((item) => !item.startsWith('!'))
  return !values.includes(`!${value}`) && (!allowed.length || allowed.includes(value) || allowed.includes('any'))
}

// True when a package is for this machine: `platform` has its os, cpu, libc() and supports(engines).
export function fits(entry, platform) {
  return (
    allows(entry.os, platform.os) &&
    allows(entry.cpu, platform.cpu) &&
    (!entry.libc?.length || platform.os !== 'linux' || allows(entry.libc, platform.libc())) &&
    (!entry.engines || platform.supports(entry.engines))
  )
}

// The packages for this machine that installed ones name in their optionalDependencies and that `isThere` does not find.
// Each is an entry of the lock file with the name of its `parent`; one that the lock file lacks was never to be
// installed. `installed` has { name, folder, optionalDependencies }. Without a lock file, `lock` is null.
export function missingPackages(installed, lock, platform, isThere) {
  const missing = new Map()
  for (const parent of installed) {
    for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
      const entry = lock ? entryOf(lock.packages, name, range) : { name, version: range }
      if (!entry || isThere(parent.folder, name)) continue
      const named = platformOfName(entry.name)
      // An older npm writes no libc into its lock file.
      const machines = lock?.hasPlatforms ? { ...entry, libc: entry.libc?.length ? entry.libc : named.libc } : named
      if (fits(machines, platform)) missing.set(`${entry.name}@${entry.version}`, { ...entry, parent: parent.name })
    }
  }
  return [...missing.values()]
}

function entryOf(packages, name, range) {
  const alias = /^npm:(@?[^@]+)@(.*)/.exec(range)
  const entries = packages.filter((entry) => entry.name === name || entry.name === alias?.[1])
  return entries.find((entry) => entry.version === (alias?.[2] ?? range)) ?? entries[0]
}

// The package.json of the app and of every package in node_modules, each with its `folder`. Links are followed once.
export function installedPackages(root) {
  const packages = [{ ...readManifest(root), name: 'the app', folder: root }]
  const seen = new Set()
  const visit = (modules) => {
    for (const name of namesIn(modules)) {
      const path = join(modules, name)
      if (name.startsWith('@')) visit(path)
      else if (name === '.pnpm' || name === '.store') namesIn(path).forEach((key) => visit(join(path, key, 'node_modules')))
      else if (!name.startsWith('.') && existsSync(join(path, 'package.json'))) {
        const folder = realpathSync(path)
        if (seen.has(folder)) continue
        seen.add(folder)
        packages.push({ ...readManifest(folder), folder })
        visit(join(folder, 'node_modules'))
      }
    }
  }
  visit(join(root, 'node_modules'))
  return packages
}

function namesIn(folder) {
  return existsSync(folder) ? readdirSync(folder) : []
}

function readManifest(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8').replace(/^\uFEFF/, ''))
  } catch {
    return {} // packages for tests of parsers have broken ones on purpose
  }
}

// True when node finds the package from a folder: https://nodejs.org/api/modules.html#loading-from-node_modules-folders
function isThere(folder, name) {
  if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true
  return dirname(folder) !== folder && isThere(dirname(folder), name)
}

// npm's own library for versions; undefined where npm is at another place.
function semver() {
  const npm = join(dirname(process.execPath), '../lib/node_modules/npm/package.json')
  return existsSync(npm) ? createRequire(npm)('semver') : undefined
}

function thisMachine() {
  let libc
  return {
    os: process.platform,
    cpu: process.arch,
    libc() {
      process.report.excludeNetwork = true // else it looks up names of hosts, which can take seconds
      libc ??= process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
      return libc
    },
    supports: (engines) => semver()?.satisfies(process.version, engines, { includePrerelease: true }) ?? true,
  }
}

// What the app's settings change: the machine to install for, or nothing to install that is optional (null).
function configured(manager, platform) {
  const read = (name) => (existsSync(name) ? readFileSync(name, 'utf8') : '')
  if (manager === 'npm') {
    const { omit, include, os, cpu, libc } = JSON.parse(run('npm', 'config', 'list', '--json', '--force'))
    if (omit?.includes('optional') && !include?.includes('optional')) return null
    return { ...platform, os: os ?? platform.os, cpu: cpu ?? platform.cpu, libc: libc ? () => libc : platform.libc }
  }
  const texts = ['package.json', 'pnpm-workspace.yaml', '.yarnrc.yml', '.yarnrc'].map(read).join('\n')
  const isOtherMachine = texts.includes('supportedArchitectures') && !/\bcurrent\b/.test(texts)
  const isOmitted = /ignore-optional"? true/.test(texts) || /^omit(\[\])? *= *"?optional/m.test(read('.npmrc')) ||
    /^\s*optional *= *false/m.test(read('bunfig.toml')) || /"?optionalDependencies"?: false/.test(read('node_modules/.modules.yaml'))
  return isOtherMachine || isOmitted ? null : platform
}

function run(...command) {
  return execFileSync(command[0], command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

// The newest of some versions, which a registry may list in any order.
export function newest(packages) {
  const compare = semver()?.compare ?? ((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  return packages.sort((a, b) => compare(a.version, b.version)).at(-1)
}

// The entry with the machines that the registry knows for it; null when the registry does not answer.
function fromRegistry(entry) {
  try {
    const answer = JSON.parse(run('npm', 'view', `${entry.name}@${entry.version}`, '--json', '--force'))
    const { version, os, cpu, libc, engines, scripts, dist } = newest([answer].flat())
    const hasScript = ['preinstall', 'install', 'postinstall'].some((script) => scripts?.[script])
    return { ...entry, version, os, cpu, libc, engines: engines?.node, integrity: dist?.integrity, hasScript }
  } catch {
    return null
  }
}

// True when the download of a package is in the cache. Then it has arrived, and was removed because its script failed.
function hasArrived({ name, version, integrity }, manager, cache) {
  if (manager === 'yarn') {
    const prefix = `npm-${name.replace('/', '-')}-${version}-`
    const folders = namesIn(join(cache, 'yarn')).map((folder) => join(cache, 'yarn', folder))
    return folders.some((folder) => /v\d+$/.test(folder) && namesIn(folder).some((item) => item.startsWith(prefix)))
  }
  const [algorithm, digest] = (integrity ?? '').split('-')
  if (manager !== 'npm' || !digest) return false
  const hex = Buffer.from(digest, 'base64').toString('hex')
  return existsSync(join(cache, '_cacache/content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4)))
}

function main(manager, cache) {
  const root = process.cwd()
  const name = lockName(root, manager)
  const lock = name ? readLock(lockText(name)) : null
  const installed = installedPackages(root)
  if (!missingPackages(installed, lock, thisMachine(), isThere).length) return 0
  const platform = configured(manager, thisMachine())
  if (!platform) return 0
  const missing = missingPackages(installed, lock, platform, isThere).filter((entry) => {
    const known = lock?.hasPlatforms ? entry : fromRegistry(entry)
    if (!known) return platformOfName(entry.name).os.length || notice(entry, 'the registry does not answer')
    if (!fits(known, platform)) return false
    return !(known.hasScript && hasArrived(known, manager, cache)) || notice(entry, 'its install script failed')
  })
  if (!missing.length) return 0
  const texts = missing.map((entry) => `${entry.name}@${entry.version} (for ${entry.parent})`)
  console.log(`INCOMPLETE: ${manager} did not install ${texts.join(', ')}`)
  console.log(`The registry did not deliver what this machine needs, and ${manager} goes on without what is optional.`)
  console.log('This installation is not kept. Build it again.')
  return 1
}

// The name of a manager's lock file in a folder; undefined without one.
export function lockName(root, manager) {
  return LOCKS[manager].find((file) => existsSync(join(root, file)))
}

// bun shows its binary lock file as yarn 1 would write it: https://bun.com/docs/pm/lockfile
export function lockText(name) {
  return name.endsWith('b') ? run('bun', name) : readFileSync(name, 'utf8')
}

function notice(entry, reason) {
  console.log(`NOTICE: ${entry.name}@${entry.version} is optional for ${entry.parent} and not installed: ${reason}`)
  return false
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(...process.argv.slice(2))
