// What the lock files of npm, pnpm, yarn and bun say about the machines that their packages are for. Only the few lines that
// say so are read, because node has no parser for YAML.

// The words in the names of packages for one machine, where nothing else says which: yarn 1's lock file, for example.
const OS_WORDS = {
  aix: 'aix', android: 'android', darwin: 'darwin', freebsd: 'freebsd', fsevents: 'darwin', linux: 'linux',
  linuxmusl: 'linux', macos: 'darwin', netbsd: 'netbsd', openbsd: 'openbsd', openharmony: 'openharmony', sunos: 'sunos',
  wasi: 'wasi', wasm32: 'wasi', win32: 'win32', windows: 'win32',
}
const CPU_WORDS = {
  32: 'ia32', 64: 'x64', aarch64: 'arm64', amd64: 'x64', arm: 'arm', arm64: 'arm64', armv7: 'arm', ia32: 'ia32',
  loong64: 'loong64', mips64el: 'mips64el', ppc64: 'ppc64', ppc64le: 'ppc64', riscv64: 'riscv64', s390x: 's390x',
  wasm32: 'wasm32', x64: 'x64', x86: 'ia32',
}

// The os, cpu and libc that a package's name has, each as a list; empty lists for a name without them.
export function platformOfName(name) {
  const words = name.replace('x86_64', 'x64').split(/[^a-z0-9]+/)
  const os = words.map((word) => OS_WORDS[word]).filter(Boolean)
  const cpu = os.length ? words.map((word) => CPU_WORDS[word]).filter(Boolean) : []
  const isMusl = words.some((word) => word.includes('musl'))
  const isGlibc = words.some((word) => /^(gnu|glibc)/.test(word))
  return { os, cpu, libc: os.length && isMusl ? ['musl'] : os.length && isGlibc ? ['glibc'] : [] }
}

// The packages of a lock file as { name, version, os, cpu, libc, engines, integrity, hasScript }, and in `hasPlatforms`
// whether it names their machines. The format follows from the text.
export function readLock(content) {
  const text = content.replace(/^\uFEFF/, '') // a byte order mark, which every manager passes over
  if (text.startsWith('{')) return readJson(text)
  if (/^lockfileVersion:/m.test(text)) return { hasPlatforms: true, packages: readPnpm(text) }
  return { hasPlatforms: text.includes('\n__metadata:'), packages: readYarn(text) }
}

// bun has JSON with commas after the last items, and a list for each package: "name@version", registry, fields, integrity.
function readJson(text) {
  try {
    return readNpm(JSON.parse(text))
  } catch {
    const { packages } = JSON.parse(text.replace(/,(?=\s*[}\]])/g, ''))
    return { hasPlatforms: true, packages: Object.values(packages ?? {}).map(readBun) }
  }
}

function readBun([id, , fields, integrity]) {
  const at = id.lastIndexOf('@')
  const { os, cpu, libc } = fields ?? {}
  return { name: id.slice(0, at), version: id.slice(at + 1), os, cpu, libc, integrity }
}

function readNpm(lock) {
  if (!lock.packages) return { hasPlatforms: false, packages: readNpm6(lock.dependencies ?? {}) }
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path.includes('node_modules/'))
    .map(([path, entry]) => ({
      ...entry,
      realName: entry.name, // of an alias
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      engines: entry.engines?.node,
      hasScript: Boolean(entry.hasInstallScript),
    }))
  return { hasPlatforms: true, packages }
}

function readNpm6(dependencies) {
  return Object.entries(dependencies).flatMap(([name, entry]) => [
    { name, version: entry.version, integrity: entry.integrity },
    ...readNpm6(entry.dependencies ?? {}),
  ])
}

// A key begins a package: '@scope/name@1.0.0', /@scope/name@1.0.0 (before version 9) or /@scope/name/1.0.0 (before 6).
function readPnpm(text) {
  const section = /^packages:\n((?:(?: .*)?\n)*)/m.exec(`${text}\n`)?.[1] ?? ''
  return section.split(/^ {2}(?=\S)/m).flatMap((block) => {
    const key = /^'?\/?((?:@[^/\s]+\/)?[^/@\s]+)[@/]([^(_:'\s]+)/.exec(block)
    if (!key) return []
    const list = (field) => new RegExp(`^ {4}${field}: \\[(.*)\\]`, 'm').exec(block)?.[1].match(/[!\w-]+/g)
    const engines = /^ {4}engines: \{.*?node: (?:'([^']*)'|([^,}]*))/m.exec(block)
    return [{ name: key[1], version: /^ {4}version: (\S+)/m.exec(block)?.[1] ?? key[2], os: list('os'), cpu: list('cpu'),
      libc: list('libc'), engines: engines?.[1] ?? engines?.[2], integrity: /integrity: ([^,}\s]+)/.exec(block)?.[1] }]
  })
}

// A key begins a package: "name@npm:^1.0.0, name@npm:1.0.0": since version 2, and name@^1.0.0, name@1.0.0: before.
function readYarn(text) {
  return text.split(/\n(?=\S)/).flatMap((block) => {
    const name = /^"?((?:@[^/\s]+\/)?[^/@\s"]+)@/.exec(block)?.[1]
    const version = /^ {2}version:? "?([^"\s]+)/m.exec(block)?.[1]
    if (!name || !version) return []
    const resolved = /^"?[^"\n]*?@npm:((?:@[^/\s]+\/)?[^@\s",]+)@/.exec(block)?.[1] // of an alias
    const conditions = /^ {2}conditions: (.*)$/m.exec(block)?.[1] ?? ''
    const list = (field) =>
      [...conditions.matchAll(/(!?)(\w+)=(!?)([\w-]+)/g)].filter((token) => token[2] === field)
        .map((token) => token[1] + token[3] + token[4])
    return [{ name, realName: /^ {2}resolution: "((?:@[^/\s]+\/)?[^@\s]+)@/m.exec(block)?.[1] ?? resolved, version,
      os: list('os'), cpu: list('cpu'), libc: list('libc'), integrity: /^ {2}integrity (\S+)/m.exec(block)?.[1] }]
  })
}
