// The file _redirects of a site: `FROM TO [STATUS][!]` a line, what Netlify and Cloudflare Pages have in common.
//     https://docs.netlify.com/manage/routing/redirects/redirect-options/
//     https://developers.cloudflare.com/pages/configuration/redirects/
// Where they differ it is Netlify's way: the status is 301 by default, `/blog/*` is /blog as well, and a path ends with
// or without a slash. The first line that matches counts. A file of the site comes before a line without `!`.
import { fileFor } from './pages.mjs'
import { decoded, namesIn, patternOf } from './path-pattern.mjs'
import { isPage } from './site-folder.mjs'

const STATUSES = [301, 302, 303, 307, 308, 200, 404]
const FORM = 'Write FROM TO STATUS in public/_redirects, such as: /old/* /new/:splat 301'
const MAX_HOPS = 20
export const isRedirect = ({ status }) => status >= 300 && status < 400

// What ends the build: { what, why, how } for the user.
export class SiteFileError extends Error {
  constructor(file, line, text, why, how) {
    super(why)
    this.refusal = { what: `${file}, line ${line} cannot be used: ${text}`, why, how }
  }
}

// The lines of a file of the site as lists of words, without comments: [number, words].
export function linesOf(text) {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  return lines.map((line, index) => [index + 1, line]).filter(([, line]) => line.trim() && !/^\s*#/.test(line))
}

// The rules of _redirects and what to tell the user: { rules, notices }. Raises SiteFileError.
export function parseRedirects(text, files) {
  const rules = []
  const notices = []
  for (const [number, line] of linesOf(text)) {
    const words = line.replace(/\s#.*/, '').trim().split(/\s+/)
    const reason = reasonToLeaveOut(words)
    const rule = reason ? { missing: reason } : parseRule(number, words, files)
    if (rule.missing)
      notices.push(`_redirects, line ${number} is left out, because ${rule.missing}: ${words.join(' ')}`)
    else rules.push(rule)
  }
  refuseLoops(rules, files)
  return { rules, notices }
}

// What the two services can do and the image cannot.
function reasonToLeaveOut([from, ...words]) {
  if (/^https?:\/\//i.test(from)) return 'it is for one host only'
  const index = words.findIndex((word) => /^\/|^https?:/i.test(word))
  if (index > 0 && words.slice(0, index).every((word) => word.includes('='))) return 'it depends on the query'
  const [to = '', ...rest] = words.slice(Math.max(index, 0))
  if (rest.some((word) => /^\w+=/.test(word))) return 'it depends on a country, a language, a role or a cookie'
  if (/^https?:/i.test(to) && /^200!?$/.test(rest[0])) return 'it passes requests on to another host'
  return to.startsWith('/.netlify/') ? "it leads to an address of Netlify's own" : ''
}

function parseRule(number, words, files) {
  const [from, to = '', status = '301'] = words
  const fail = (why, how = FORM) => {
    throw new SiteFileError('_redirects', number, words.join(' '), why, how)
  }
  const [, code, force] = status.match(/^(\d{3})(!?)$/) ?? []
  if (!to) fail('It has no target.')
  if (words.length > 3) fail(`It has ${words.length} words, and only three have a meaning.`)
  if (!from.startsWith('/')) fail('FROM begins with no slash, so it is no path.')
  if (/[?#]/.test(from)) fail('FROM has a query or a fragment, and only the path is compared.')
  if (!/^\/(?!\/)|^https?:\/\/[\w.[\]-]+(?::\d+)?(?:[/?#]|$)/i.test(to))
    fail('TO is neither a path nor an address with http:// or https:// and a host.')
  if (!STATUSES.includes(Number(code))) fail(`STATUS is none of ${STATUSES.join(', ')}.`)
  if (/[\p{Cc}\\]/u.test(from + to)) fail('It has a backslash or a control character, which no address has.')
  if (words.join(' ').length > 2000) fail('It has more than 2,000 characters.')
  const names = namesIn(from)
  if (new Set(names).size < names.length)
    fail('FROM has two parts with one name.', 'Give each part another name, and use * once')
  const unknown = (to.replace(/^https?:\/\/[^/]*/i, '').match(/:splat\b|(?<=\/):[A-Za-z]\w*/g) ?? []).find(
    (token) => !names.includes(token.slice(1)),
  )
  if (unknown) fail(`TO has ${unknown}, which FROM does not have.`, `Write it in FROM, too, or leave it out of TO`)
  return withPage({ number, from, to, status: Number(code), force: Boolean(force), names }, files, fail)
}

// A rewrite and a 404 answer with a file of the site: the file itself, or the page of that name.
function withPage(rule, files, fail) {
  if (isRedirect(rule)) return rule
  if (!rule.to.startsWith('/'))
    fail(`Status ${rule.status} answers with a file of the site, and TO is an address of another host.`)
  const path = decoded(rule.to.replace(/[?#].*/, ''))
  if (rule.names.some((name) => path.includes(`:${name}`)))
    return { ...rule, page: path.slice(1).replace(/\/$/, '/index.html') }
  const page = fileFor(path, files)
  return page === undefined ? { ...rule, missing: `the site has no file ${path}` } : { ...rule, page }
}

// The last line of most apps, `/* /index.html 200`, and of some sites, `/* /404.html 404`. Lines after it never count.
export function splitCatchAll(rules) {
  const index = rules.findIndex(({ from, force, page }) => from === '/*' && !force && page && isPage(page))
  if (index < 0) return { rules }
  const { status, page, number } = rules[index]
  const unreached = rules.slice(index + 1).filter(({ force }) => !force)
  const notices = unreached.map(
    (rule) => `_redirects, line ${rule.number} is never reached, because line ${number} is for every path`,
  )
  const others = rules.filter((rule, position) => position < index || rule.force)
  return { rules: others, catchAll: { status, page, line: number }, notices }
}

// A redirect that only adds or removes the last slash is for the path as it stands there.
export const isExact = ({ from, to }) => from !== to && from.replace(/\/$/, '') === to.replace(/\/$/, '')

// Follows each redirect with a few paths that it is for. Raises SiteFileError for one that leads back to itself.
function refuseLoops(rules, files) {
  const patterns = rules.map(
    (rule) => new RegExp(patternOf(rule.from, { group: (name) => name, isExact: isExact(rule) })),
  )
  for (const rule of rules.filter((one) => isRedirect(one) && one.to.startsWith('/'))) {
    for (const sample of ['', 'sample', 'two/samples']) {
      const numbers = loopFrom(pathLike(rule.from, sample), rules, patterns, files)
      if (!numbers) continue
      const others = [...new Set(numbers)].filter((number) => number !== rule.number)
      const why = `It leads a browser in a circle${others.length ? `, with line ${others.join(' and line ')}` : ''}.`
      throw new SiteFileError(
        '_redirects',
        rule.number,
        `${rule.from} ${rule.to} ${rule.status}${rule.force ? '!' : ''}`,
        why,
        'Let TO be a path that no line is for, or a file of the site',
      )
    }
  }
}

function pathLike(from, sample) {
  return decoded(from)
    .replace('*', sample)
    .replace(/(?<=\/):[A-Za-z]\w*/g, sample.split('/')[0] || 'sample')
}

// The lines that a browser follows without end from this path; undefined when it arrives.
function loopFrom(start, rules, patterns, files) {
  const numbers = []
  for (let path = start, hops = 0; hops < MAX_HOPS; hops += 1) {
    const isFile = fileFor(path, files) !== undefined
    const index = rules.findIndex((rule, position) => (rule.force || !isFile) && patterns[position].test(path))
    const rule = rules[index]
    if (!rule || !isRedirect(rule) || !rule.to.startsWith('/')) return undefined
    const groups = patterns[index].exec(path).groups ?? {}
    numbers.push(rule.number)
    path = decoded(rule.to.replace(/[?#].*/, '')).replace(/:([A-Za-z]\w*)/g, (token, name) =>
      rule.names.includes(name) ? (groups[name] ?? '') : token,
    )
  }
  return numbers
}
