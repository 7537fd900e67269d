// The file _redirects of a site: `FROM TO [STATUS][!]` a line, what Netlify and Cloudflare Pages have in common.
//     https://docs.netlify.com/manage/routing/redirects/overview/
//     https://developers.cloudflare.com/pages/configuration/redirects/
// Where they differ it is Netlify's way: the status is 301 by default, `/blog/*` is /blog as well, and a path ends with
// or without a slash. The first line that matches counts. A file of the site comes before a line without `!`.
import { isPage } from './pages.mjs'

const STATUSES = [301, 302, 303, 307, 308, 200, 404]
const MAX_HOPS = 20

export class SiteFileError extends Error {}

// Returns { rules, notices }. Raises SiteFileError for a line that cannot be read.
export function parseRedirects(text, files) {
  const rules = []
  const notices = []
  text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/).forEach((content, index) => {
    const words = content.trim().split(/\s+/)
    const comment = words.findIndex((word) => word.startsWith('#'))
    const line = { number: index + 1, words: comment < 0 ? words : words.slice(0, comment) }
    if (!line.words.join('')) return
    const leftOut = reasonToLeaveOut(line.words)
    const rule = leftOut ? undefined : parseRule(line, files)
    if (leftOut) notices.push(`_redirects, line ${line.number} is left out, because ${leftOut}: ${line.words.join(' ')}`)
    else if (rule.missing) notices.push(`_redirects, line ${line.number} is left out, because the site has no file ${rule.missing}`)
    else rules.push(rule)
  })
  return { rules, notices }
}

// What the two services can do and nginx's image cannot.
function reasonToLeaveOut([from, ...words]) {
  if (/^https?:\/\//i.test(from)) return 'it is for one host only'
  const target = words.findIndex((word) => /^\/|^https?:/i.test(word))
  if (words.slice(0, Math.max(target, 0)).some((word) => word.includes('='))) return 'it depends on the query'
  const [to = '', status = '', ...conditions] = words.slice(Math.max(target, 0))
  if ([status, ...conditions].some((word) => /^\w+=/.test(word))) return 'it depends on a country, a language, a role or a cookie'
  if (/^https?:/i.test(to) && /^200!?$/.test(status)) return 'it passes requests on to another host'
  if (to.startsWith('/.netlify/')) return "it leads to one of Netlify's own addresses"
  return ''
}

function parseRule({ number, words }, files) {
  const [from, to, status = '301'] = words
  const fail = (problem, correction) => {
    throw new SiteFileError(`_redirects, line ${number}: ${words.join(' ')}\n${problem}\n${correction}`)
  }
  const form = 'Write FROM TO STATUS, such as: /old/* /new/:splat 301'
  if (!to) fail(`The line has no target.`, form)
  if (words.length > 3) fail(`The line has ${words.length} words, and only three have a meaning.`, form)
  if (!from.startsWith('/')) fail('FROM is no path, because it does not begin with a slash.', form)
  if (!/^\/(?!\/)|^https?:\/\/[^/:?#*]+/i.test(to)) fail('TO is neither a path nor an address with http:// or https://.', form)
  const [, code, force] = status.match(/^(\d{3})(!?)$/) ?? []
  if (!STATUSES.includes(Number(code))) fail(`${status} is none of the statuses ${STATUSES.join(', ')}.`, form)
  if (/[?#]/.test(from)) fail('FROM has a query or a fragment, and only the path is compared.', form)
  if (/\p{Cc}/u.test(from + to)) fail('The line has a control character.', 'Remove it.')
  const rule = { number, text: words.join(' '), from, to, status: Number(code), force: Boolean(force) }
  const names = namesIn(rule, fail)
  return withPage({ ...rule, names }, files, fail)
}

// The names of the parts of FROM that may be anything: `splat` for *, and each :name.
function namesIn({ from, to }, fail) {
  const tokens = from.match(/\*|(?<=\/):[A-Za-z]\w*/g) ?? []
  const names = tokens.map((token) => (token === '*' ? 'splat' : token.slice(1)))
  if (new Set(names).size < names.length) fail('FROM has two parts of one name.', 'Name each part differently, and use * once.')
  const path = to.replace(/^https?:\/\/[^/?#]*/i, '')
  const host = to.slice(0, to.length - path.length)
  const unknown = (path.match(/:[A-Za-z]\w*/g) ?? []).find((token) => !names.includes(token.slice(1)) &&
    (token === ':splat' || path.includes(`/${token}`)))
  if (unknown) fail(`TO has ${unknown}, which FROM does not have.`, 'Add it to FROM, or remove it from TO.')
  if (names.some((name) => host.includes(`:${name}`))) fail('TO has a part of the path in its host, which would let a visitor choose the host.', 'Name the host.')
  return names
}

// A rewrite and a 404 answer with a file of the site: the file, or the page of that name.
function withPage(rule, files, fail) {
  if (rule.status !== 200 && rule.status !== 404) return rule
  if (/^https?:/i.test(rule.to)) fail(`Status ${rule.status} answers with a file of the site, and TO is another host.`, 'Name a file of the site, such as /404.html.')
  const path = decoded(rule.to.replace(/[?#].*/, ''))
  if (rule.names.some((name) => path.includes(`:${name}`))) return { ...rule, path }
  const page = fileFor(path, files)
  return page === undefined ? { ...rule, missing: path } : { ...rule, page }
}

const decoded = (path) => {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

// The file that answers a path, as in serving/pages.conf.
export function fileFor(path, files) {
  const name = path.slice(1)
  const bare = name.replace(/\/+$/, '')
  const pages = name === bare ? [name, `${bare}.html`, `${bare}/index.html`] : [`${name}index.html`, `${bare}.html`]
  return [...pages, ...(name ? [] : ['index.html'])].find((candidate) => files.has(candidate))
}

// The last line of most apps, `/* /index.html 200`, and of some sites, `/* /404.html 404`.
export function catchAllOf(rules) {
  const rule = rules.find(({ from, force, page }) => from === '/*' && !force && page && isPage(page))
  return rule && { status: rule.status, page: rule.page, line: rule.number }
}

// The pattern that a path must match, with its parts as groups. A redirect that only adds or removes the last slash
// is for the path as it stands there.
export function patternOf({ from, to }) {
  const isExact = from !== to && from.replace(/\/$/, '') === to.replace(/\/$/, '')
  const tokens = (isExact ? from : from.replace(/\/+$/, '')).split(/(\/?\*|\/:[A-Za-z]\w*)/)
  return { tokens: tokens.filter(Boolean), isExact }
}

function regexOf(rule) {
  const { tokens, isExact } = patternOf(rule)
  const parts = tokens.map((token) => {
    if (token === '/*') return '(?:/+(?<splat>.*))?'
    if (token === '*') return '(?<splat>.*)'
    if (token.startsWith('/:')) return `/+(?<${token.slice(2)}>[^/]+)`
    return decoded(token).replace(/[^\w/]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}${isExact ? '' : '/*'}$`)
}

// Follows each redirect with a few paths that it is for. Raises SiteFileError for one that comes back.
export function refuseLoops(rules, files) {
  const patterns = rules.map((rule) => ({ rule, regex: regexOf(rule) }))
  for (const rule of rules.filter(({ status, to }) => status > 300 && status < 400 && to.startsWith('/'))) {
    for (const sample of ['', 'sample', 'two/samples']) {
      const lines = loopFrom(sampleOf(rule, sample), patterns, files)
      if (lines) failForLoop(lines, rule)
    }
  }
}

function sampleOf({ from }, sample) {
  return decoded(from).replace(/\*/, sample).replace(/(?<=\/):[A-Za-z]\w*/g, sample.split('/')[0] || 'sample')
}

// The lines of _redirects that a browser would follow without end from this path; undefined when it arrives.
function loopFrom(start, patterns, files) {
  let path = start
  const lines = []
  for (let hop = 0; hop < MAX_HOPS; hop += 1) {
    const isFile = fileFor(path, files) !== undefined
    const match = patterns.find(({ rule, regex }) => regex.test(path) && (rule.force || !isFile))
    if (!match || match.rule.status < 300 || match.rule.status > 399 || !match.rule.to.startsWith('/')) return undefined
    const groups = match.regex.exec(path).groups ?? {}
    lines.push(match.rule.number)
    path = decoded(match.rule.to.replace(/[?#].*/, '')).replace(/:([A-Za-z]\w*)/g, (token, name) => groups[name] ?? (name in groups ? '' : token))
  }
  return lines
}

function failForLoop(lines, rule) {
  const numbers = [...new Set(lines)].sort((one, other) => one - other)
  const [shown, verb] = numbers.length > 1 ? [`lines ${numbers.join(' and ')} lead`, 'them'] : [`line ${numbers[0]} leads`, 'it']
  throw new SiteFileError(`_redirects, ${shown} a browser in a circle: ${rule.text}
A browser that follows ${verb} never arrives.
Let the target be a path that no line is for, or a file of the site.`)
}
