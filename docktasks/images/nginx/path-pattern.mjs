// The paths of _redirects and _headers: `/news/:year/*` is any path below a year, and * is called `splat`.
import { escaped } from './nginx-text.mjs'

const PART = /(\/?\*|\/:[A-Za-z]\w*)/

export function decoded(path) {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

// The names of the parts that may be anything.
export function namesIn(path) {
  return (path.match(/\*|(?<=\/):[A-Za-z]\w*/g) ?? []).map((token) => (token === '*' ? 'splat' : token.slice(1)))
}

// The pattern of a path, as text. `group` gives the name of a part's group, or nothing for a group without a name.
// `isRaw`: the path is compared as the client wrote it, with its escapes and its query. A part begins with no slash,
// because a redirect to `//host` would leave the site. `isExact`: a slash at the end counts.
export function patternOf(path, { group = () => '', isRaw = false, isExact = false, base = '' } = {}) {
  const named = (name, pattern) => (group(name) ? `(?<${group(name)}>${pattern})` : `(?:${pattern})`)
  const text = isRaw ? (part) => [...decoded(part)].map(anyForm).join('') : (part) => escaped(decoded(part))
  const [any, segment] = isRaw ? ['[^?]*', '[^/?]+'] : ['[\\s\\S]*', '[^/]+']
  const parts = (isExact ? path : path.replace(/\/+$/, '')).split(PART).map((part) => {
    if (part === '/*') return `(?:/+${named('splat', `(?!/)${any}`)})?`
    if (part === '*') return named('splat', any)
    return PART.test(part) ? `/+${named(part.slice(2), segment)}` : text(part)
  })
  const start = base ? `(?<rule_base>${text(base)}(?=/))?` : ''
  return `^${start}${parts.join('')}${isExact ? '' : '/*'}${isRaw ? '(?:\\?|$)' : '$'}`
}

// A character as it is, or escaped as in an address.
function anyForm(character) {
  if (/[\w~/-]/.test(character)) return character
  const bytes = [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const escapes = bytes.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)
  return `(?:${escaped(character)}|${escapes})`
}
