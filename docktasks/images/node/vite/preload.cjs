// Gives Vite's command config.mjs instead of the app's configuration, which that one loads and adds to. Node runs this
// file before each program: NODE_OPTIONS=--require=/…/preload.cjs. So it finds Vite wherever a script starts it: in the
// middle of a line, by another script, by turbo. An argument of the script would reach the last command of its line
// only, and a framework's own command would take --config for an option of its own. The dev server gets its address in
// the same way, where HELLO_DOCK_ADDRESS has it, as "--host 0.0.0.0 --port 3000", in place of the script's own.
'use strict'
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { isMainThread } = require('node:worker_threads')

const FLAGS = /^(--(no-.*|clearScreen|cors|strictPort|force|emptyOutDir|watch|app|profile|help|version)|-[whv])$/
const COMMANDS = ['dev', 'serve', 'build', 'preview', 'optimize']
const FRAMEWORKS = /\/node_modules\/(astro|nuxt|nuxi|@nuxt\/cli|vitepress|@react-router\/dev|vinxi|@quasar\/[^/]+)\/[^]*\.[cm]?js$/
const COPY = path.join(os.tmpdir(), 'hello-dock-vite.config.mjs') // its presence says that Vite's command has run
const PROGRAMS = path.join(os.tmpdir(), 'hello-dock-programs')

// The folder with the modules of the Vite whose command is this program; nothing for other programs.
function viteFolder(program) {
  try {
    const file = fs.realpathSync(program)
    if (/\/dist\/vite\/(bin\/vite|node\/cli)\.js$/.test(file)) return path.dirname(path.dirname(file)) // of Vite+
    const folder = path.dirname(path.dirname(file))
    const { bin } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
    return path.resolve(folder, bin.vite) === file ? path.join(folder, 'dist') : undefined
  } catch {
    return undefined // no program, or one that is in no package or in another
  }
}

// The command and the root that the words of a command line name, the app's configuration, and the other words.
function parse(words) {
  const line = { names: [], rest: [] }
  for (let index = 0; index < words.length; index++) {
    const [word, next] = [words[index], words[index + 1]]
    const [, name, value] = /^(--?[^=]+)(?:=(.*))?$/s.exec(word) ?? []
    if (word === '--') return { ...line, rest: [...line.rest, ...words.slice(index)] }
    if (!name) line.names.push(word)
    const takesNext = name && value === undefined && !FLAGS.test(name) && next !== undefined && !next.startsWith('-')
    if (takesNext) index++
    if (name === '--configLoader') line.loader = value ?? next
    if (name === '--config' || name === '-c') line.config = value ?? next
    else line.rest.push(word, ...(takesNext ? [next] : []))
  }
  return line
}

// Another file is put in place by its name, because two programs may start at the same time.
function write(file, content, mode) {
  const unfinished = `${file}.${process.pid}`
  fs.writeFileSync(unfinished, content, { mode })
  fs.renameSync(unfinished, file)
}

function wrap(folder) {
  const { names, rest, config, loader } = parse(process.argv.slice(2))
  const command = COMMANDS.includes(names[0]) ? names.shift() : 'dev'
  if (command === 'preview' || command === 'optimize') return
  if (process.env.HELLO_DOCK_VITE) {
    globalThis[Symbol.for('hello-dock.vite')] = { tools: __dirname, folder, config, root: names[0], loader }
    // A copy, because Vite writes next to the file what it makes of it, and ours may be read only.
    write(COPY, fs.readFileSync(path.join(__dirname, 'config.mjs')), 0o644)
    const { mode } = JSON.parse(process.env.HELLO_DOCK_VITE)
    // Of two modes Vite takes the last.
    process.argv.splice(2, Infinity, '--config', COPY, ...rest, ...(mode ? ['--mode', mode] : []))
  }
  if (command !== 'build') addAddress()
}

function addAddress() {
  const address = (process.env.HELLO_DOCK_ADDRESS ?? '').split(' ').filter(Boolean)
  if (!address.length) return
  const isValue = (word, index, words) => /^(--host|--port|-p)$/.test(words[index - 1]) && !word.startsWith('-')
  const words = process.argv.filter((...at) => !/^(--host|--port|-p)(=|$)/.test(at[0]) && !isValue(...at))
  const end = words.includes('--') ? words.indexOf('--') : words.length
  process.argv.splice(0, Infinity, ...words.slice(0, end), ...address, ...words.slice(end))
}

// True for the command of a framework that starts its dev server, such as `astro dev`.
function isFrameworkServer(program) {
  try {
    return FRAMEWORKS.test(fs.realpathSync(program)) && parse(process.argv.slice(2)).names[0] === 'dev'
  } catch {
    return false
  }
}

// A script may set NODE_OPTIONS itself, often for more memory. Its programs then still find a `node` that has this file.
function addToPath() {
  const words = (process.env.PATH ?? '').split(path.delimiter)
  if (words.includes(PROGRAMS)) return
  fs.mkdirSync(PROGRAMS, { recursive: true })
  write(path.join(PROGRAMS, 'node'), `#!/bin/sh\nexec "${process.execPath}" --require="${__filename}" "$@"\n`, 0o755)
  process.env.PATH = [PROGRAMS, ...words].join(path.delimiter)
}

if (process.env.HELLO_DOCK_BUNDLE) require('../bundle/hooks.cjs')
if (isMainThread) {
  const folder = viteFolder(process.argv[1])
  if (folder) wrap(folder)
  else if (isFrameworkServer(process.argv[1])) addAddress()
  else addToPath()
}
