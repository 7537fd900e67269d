// The packages of an app's lock file as { name, version, integrity }, each once; without a lock file the installed ones.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readLock } from '../lock-files.mjs'
import { installedPackages, lockName, lockText } from '../missing-packages.mjs'

const VERSION = /^\d+\.\d+\.\d+/

export function lockedPackages(root, manager) {
  const installed = installedPackages(root).slice(1) // the first is the app
  const file = lockName(root, manager)
  const entries = file ? readLock(lockText(join(root, file))).packages : installed
  const packages = new Map()
  for (const entry of entries) {
    const name = entry.realName ?? entry.name
    if (!name || entry.link || /^(?:workspace|link|portal):|-use\.local$/.test(entry.version ?? '')) continue
    const version = VERSION.test(entry.version ?? '') ? entry.version : installed.find((one) => one.name === name)?.version
    if (!version || isOutside(root, name, version, installed)) continue
    packages.set(`${name}@${version}`, { name, version, integrity: entry.integrity ?? '' })
  }
  return { file: file ?? '', packages: [...packages.values()] }
}

// True for a package of the workspace, which its package managers list among the others.
function isOutside(root, name, version, installed) {
  const one = installed.find((other) => other.name === name && other.version === version)
  return Boolean(one && !/[/\\]node_modules[/\\]/.test(one.folder) && existsSync(one.folder))
}
