// Takes the scripts of an installation, which may read any file of the app, out of the package.json files that are named
// on standard input, a path a line. The source brings them back.
import { readFileSync, writeFileSync } from 'node:fs'

const SCRIPTS = ['install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']

for (const path of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const manifest = JSON.parse(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''))
  for (const name of SCRIPTS) delete manifest.scripts?.[name]
  writeFileSync(path, JSON.stringify(manifest, null, 2))
}
