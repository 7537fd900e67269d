// What the files of a site use and its policy blocks, in a few lines for the user, each with what to add.
import { listed } from './texts.mjs'

const KINDS = {
  'script-src': 'scripts', 'style-src': 'styles', 'img-src': 'pictures', 'font-src': 'fonts', 'media-src': 'media',
  'connect-src': 'connections', 'frame-src': 'frames', 'worker-src': 'workers', 'object-src': 'plugins',
  'manifest-src': 'the manifest', 'form-action': 'forms',
}
const MAX_NAMES = 3
// Above this a proxy in front may refuse the answer: nginx reads the headers of a server into 4 kB by default.
export const MAX_POLICY_CHARACTERS = 3_000

// True when the sources let through an origin, or a word such as blob:.
export function letsThrough(words, source) {
  if (words.includes(source)) return true
  if (source.startsWith("'") || source.endsWith(':')) return false
  const [, scheme, host] = source.match(/^(?:(\w+:)\/\/)?(.*)$/)
  return words.some((word) => {
    if (word === '*' || word === scheme) return true
    const [, wordScheme, wordHost] = word.match(/^(?:(\w+:)\/\/)?([^/]*)/)
    const fits = wordHost.startsWith('*.') ? host.endsWith(wordHost.slice(1)) : wordHost === host
    return fits && (!wordScheme || !scheme || wordScheme === scheme)
  })
}

// `needs` are [directive, source, what, file]. One line for each kind of need that the directives do not let through.
export function policyNotices(profile, directives, needs) {
  const groups = new Map()
  for (const [directive, source, what, file] of needs) {
    if (!source || letsThrough(directives.get(directive) ?? [], source)) continue
    const group = groups.get(`${directive} ${what}`) ?? { directive, what, sources: new Set(), files: new Set() }
    groups.set(`${directive} ${what}`, group)
    group.sources.add(source)
    group.files.add(file)
  }
  return [...groups.values()].map(({ directive, what, sources, files }) => {
    const names = [...sources].sort()
    const blocked = what || `${KINDS[directive]} of ${listed(names, MAX_NAMES)}`
    const line = `${directive} ${names.join(' ')}`
    const where = listed([...files].sort(), MAX_NAMES)
    return `prod.csp: ${profile} blocks ${blocked} (in ${where}). If the app needs it: prod.csp_sources: "${line}"`
  })
}
