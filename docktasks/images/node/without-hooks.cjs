// Lets lefthook do nothing where node runs it, by NODE_OPTIONS=--require=…/without-hooks.cjs. `lefthook install` calls
// git, which the image lacks, whatever LEFTHOOK says. A manager starts it by a link, node_modules/.bin/lefthook.
const { existsSync, realpathSync } = require('node:fs')

const [, program] = process.argv
const file = program && existsSync(program) ? realpathSync(program) : ''
if (process.env.LEFTHOOK === '0' && /[\\/]lefthook[\\/]bin[\\/]index\.js$/.test(file)) process.exit()
