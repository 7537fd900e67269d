// The Content-Security-Policy of a site, from its pages, as nginx's configuration (serving/security.conf).
//     https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
// Each page has the hashes of its own inline code, so that a text which another page holds does not run in it.
import { FEATURE_NAMES } from './code-needs.mjs'
import { escaped, map, quotedKey, quotedPattern } from './nginx-text.mjs'
import { hashOf } from './page-needs.mjs'

// What a policy begins with. Both take a page's inline scripts and handlers by their hashes. 'report-sample' lets a
// browser say what it blocked: https://www.w3.org/TR/CSP3/#framework-violation
//     compatible   scripts are the site's, and those of the origins that the page's HTML names. What no build can know
//                  is let through: styles, pictures, connections and frames of any https: origin.
//     strict       everything is the site's own, and inline styles count by their hashes, too. Vite puts small
//                  pictures, fonts and sounds into data: addresses. A script may fill a style element that it made empty,
//                  which takes a script that runs already: libraries of styles do it.
const PROFILES = {
  compatible: {
    'default-src': "'self'",
    'script-src': "'self' 'report-sample'",
    'style-src': "'self' 'unsafe-inline' data: blob: https:",
    'img-src': "'self' data: blob: https:",
    'font-src': "'self' data: blob: https:",
    'media-src': "'self' data: blob: https:",
    'connect-src': "'self' data: blob: https: wss:",
    'manifest-src': "'self' data: blob: https:",
    'worker-src': "'self' data: blob: https:",
    'frame-src': "'self' data: blob: https:",
    'object-src': "'none'",
    'base-uri': "'self'",
    'form-action': "'self' https:",
    'frame-ancestors': "'self'",
  },
  strict: {
    'default-src': "'none'",
    'script-src': "'self' 'report-sample'",
    'style-src': `'self' ${hashOf('')}`,
    'img-src': "'self' data:",
    'font-src': "'self' data:",
    'media-src': "'self' data:",
    'connect-src': "'self'",
    'manifest-src': "'self'",
    'worker-src': "'self'",
    'frame-src': "'self'",
    'object-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'self'",
    'frame-ancestors': "'none'",
  },
}

// The other headers that limit what pages of other origins can do, by profile. In `compatible` a sign-in window keeps
// its opener, other sites may show our pictures, and a page and the frames in it may ask for the camera. In `strict` a
// page asks only for the features that its own scripts name.
const HEADERS = {
  compatible: { opener_policy: 'same-origin-allow-popups', resource_policy: 'cross-origin', permissions_policy: '' },
  strict: { opener_policy: 'same-origin', resource_policy: 'same-origin' },
}
const ERROR_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
// nginx reads words of up to 4,096 bytes.
const MAX_WORD_CHARACTERS = 3_500

export class PolicyError extends Error {}

// { profile, sources }: the settings prod.csp and prod.csp_sources. The tasks have checked them already; this is for
// a build by hand.
export function readSettings(profile, text) {
  if (!Object.hasOwn(PROFILES, profile)) {
    throw new PolicyError(`HELLO_DOCK_CSP (prod.csp) is ${profile}, but must be ${Object.keys(PROFILES).join(' or ')}.`)
  }
  const sources = new Map()
  for (const [name, ...words] of text.split(';').map((part) => part.trim().split(/\s+/)).filter(([name]) => name)) {
    if (!Object.hasOwn(PROFILES.strict, name) || sources.has(name) || /[^\w'*:/.~%!&()=@+?# -]/.test(words.join(' '))) {
      throw new PolicyError(`HELLO_DOCK_CSP_SOURCES (prod.csp_sources) cannot be used: ${[name, ...words].join(' ')}`)
    }
    sources.set(name, words)
  }
  return { profile, sources }
}

// The sources of each directive, without those of a single page. `loads` are [directive, source] of the files: an address
// such as //host/x.css is http: on a page that is, which https: does not let through.
export function directivesOf({ profile, sources }, { hasWasm, hasBase, loads = [] }) {
  const directives = new Map(Object.entries(PROFILES[profile]).map(([name, text]) => [name, text.split(' ')]))
  if (hasWasm) directives.get('script-src').push("'wasm-unsafe-eval'")
  if (hasBase) directives.set('base-uri', ["'self'"])
  for (const [name, words] of sources) {
    const own = words.includes("'none'") ? [] : (directives.get(name) ?? []).filter((word) => word !== "'none'")
    directives.set(name, [...new Set([...own, ...words])])
  }
  for (const [name, source] of loads) {
    const words = directives.get(name) ?? []
    if (words.includes('https:') && /^[\w.-]+(?::\d+)?$/.test(source) && !words.includes(source)) words.push(source)
  }
  for (const name of ['script-src', 'style-src']) {
    // A browser ignores 'unsafe-inline' next to a hash.
    const words = directives.get(name)
    if (words.includes("'unsafe-inline'")) directives.set(name, words.filter((word) => !word.startsWith("'sha")))
  }
  return directives
}

const withHashes = (plain, attributes) => [...plain, ...(attributes.size ? ["'unsafe-hashes'", ...attributes] : [])]

// What a page adds to script-src and style-src.
export function pageSources({ profile }, directives, needs) {
  const takesHashes = (name) => !directives.get(name).some((word) => word === "'none'" || word === "'unsafe-inline'")
  const isClosed = directives.get('script-src').includes("'none'")
  const origins = profile === 'compatible' && !isClosed ? (needs.loads['script-src'] ?? []) : []
  const scripts = takesHashes('script-src') ? withHashes(needs.scripts, needs.handlers) : []
  const styles = takesHashes('style-src') ? withHashes(needs.styles, needs.styleAttributes) : []
  const additions = (name, words) => [...new Set(words)].filter((word) => !directives.get(name).includes(word))
  return [additions('script-src', [...origins, ...scripts]), additions('style-src', styles)]
}

// The page with the longest policy, and its number of characters.
export function longestPolicy(settings, directives, pages) {
  const common = [...directives].map(([name, words]) => [name, ...words].join(' ')).join('; ').length
  let longest = ['', 0]
  for (const [name, needs] of pages) {
    const length = common + pageSources(settings, directives, needs).flat().join(' ').length
    if (length > longest[1]) longest = [name, length]
  }
  return longest
}

// Words as texts that nginx can read, each with a space in front of every word.
function textsOf(words) {
  const texts = ['']
  for (const word of words) {
    if (texts.at(-1).length + word.length >= MAX_WORD_CHARACTERS) texts.push('')
    texts[texts.length - 1] += ` ${word}`
  }
  return texts
}

// A map whose values may have variables.
const valuesBy = (source, variable, rows, otherwise = '') =>
  map(source, variable, [['default', otherwise], ...rows].map(([key, text]) => [key, `"${text}"`]))

// nginx compares the words of a map without regard to case. Pages whose names differ in nothing else get patterns.
function pageKeys(names) {
  const counts = new Map()
  for (const name of names) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1)
  const isOnly = (name) => counts.get(name.toLowerCase()) === 1
  return (name) => (isOnly(name) ? quotedKey(`/${name}`) : quotedPattern(`^/${escaped(name)}$`))
}

const permissionsPolicy = (features) =>
  FEATURE_NAMES.map((name) => `${name}=(${features.has(name) ? 'self' : ''})`).join(', ')

// The configuration. `pages` are the needs of each page by its name in the site, `features` those that scripts name.
export function policyConfiguration(settings, directives, pages, features) {
  const sets = new Map() // text -> its number and, for each variable, the texts; equal ones are written once
  const keyOf = pageKeys(pages.keys())
  const rows = []
  for (const [name, needs] of pages) {
    const sources = pageSources(settings, directives, needs)
    const text = JSON.stringify(sources)
    if (sources.every((words) => words.length === 0)) continue
    if (!sets.has(text)) sets.set(text, { number: sets.size + 1, texts: sources.map(textsOf) })
    rows.push([keyOf(name), sets.get(text).number])
  }
  const variables = ['script-src', 'style-src'].map((name, index) => {
    const length = Math.max(0, ...[...sets.values()].map(({ texts }) => texts[index].findLastIndex(Boolean) + 1))
    const variable = `$${name.replace('-', '_')}_of_page`
    return Array.from({ length }, (_, part) => ({ variable: `${variable}${part || ''}`, index, part }))
  })
  const inline = variables.flat().map(({ variable, index, part }) => {
    const filled = [...sets.values()].filter(({ texts }) => texts[index][part])
    return valuesBy('$inline_set', variable, filled.map(({ number, texts }) => [number, texts[index][part]]))
  })
  const suffix = {
    'script-src': variables[0].map(({ variable }) => variable).join(''),
    'style-src': variables[1].map(({ variable }) => variable).join(''),
    'connect-src': directives.get('connect-src').includes("'none'") ? '' : '$connect',
  }
  const policy = [...directives].map(([name, words]) => [name, ...words].join(' ') + (suffix[name] ?? '')).join('; ')
  const headers = { permissions_policy: permissionsPolicy(features), ...HEADERS[settings.profile] }
  return [
    '# Written by policy.mjs. The page that is served decides which inline code may run.\n',
    rows.length ? valuesBy('$page', '$inline_set', rows) : '',
    ...inline,
    ...Object.entries(headers).map(([name, text]) => valuesBy('""', `$${name}`, [], text)),
    "# An error's page has nothing to load.\n",
    valuesBy('$uri', '$built_policy', ['html', 'json', 'txt'].map((type) => [`/.error.${type}`, ERROR_POLICY]), policy),
  ].join('')
}
