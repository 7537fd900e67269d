// Sends production's Content-Security-Policy with each page of the dev server, as report-only, and says in the log
// what it would block, once for each kind (dev.report_policy). The policy is that of a build: the page's own inline
// code counts by its hashes. What only the dev server needs is no news: Vite's client writes the styles that a build
// has in files.
import { needsOf, originOf } from '../../nginx/page-needs.mjs'
import { directivesOf, pageSources, readSettings } from '../../nginx/policy.mjs'
import { policyNotices } from '../../nginx/policy-notices.mjs'

const HEADER = 'Content-Security-Policy-Report-Only'
const ADDRESS = '/__hello-dock/policy-reports'
const MAX_REPORT_CHARACTERS = 65_536
const MAX_NOTICES = 100 // a page of another site may send reports, too
const OF_VITE = /^\/(?:@vite\/|@react-refresh|@id\/__x00__(?:vite|plugin-vue|react)|node_modules\/vite\/|__)/
const WORDS = { eval: "'unsafe-eval'", inline: "'unsafe-inline'", self: "'self'", data: 'data:', blob: 'blob:' }
const INLINE = {
  'script-src': 'inline scripts and handlers that scripts write into the page',
  'style-src': 'styles that scripts write into the page',
}

// The policy of a page. Of one that a server sends in pieces the inline code is not known, so all of it is let through.
export function policyOf(settings, html) {
  const needs = needsOf(html ?? '')
  const loads = Object.entries(needs.loads).flatMap(([name, origins]) => [...origins].map((origin) => [name, origin]))
  const directives = directivesOf(settings, { hasWasm: true, hasBase: needs.hasBase, loads })
  const everything = [["'unsafe-inline'"], ["'unsafe-inline'"]]
  const [scripts, styles] = html === undefined ? everything : pageSources(settings, directives, needs)
  const added = { 'script-src': scripts, 'style-src': styles }
  const texts = [...directives].map(([name, words]) => [name, ...words, ...(added[name] ?? [])].join(' '))
  return [...texts, `report-uri ${ADDRESS}`].join('; ')
}

const parse = (address) => (URL.canParse(address) ? new URL(address) : undefined)
const printable = (text) => text.replace(/[^\x21-\x7e]+/g, '')

// What a report says to the user; nothing for one of another page, or of what only the dev server needs.
export function noticeOf(profile, host, report) {
  const directive = String(report['effective-directive'] ?? '').replace(/-(?:elem|attr)$/, '')
  const blocked = String(report['blocked-uri'] ?? '')
  const page = parse(report['document-uri'])
  const file = parse(report['source-file']) ?? page
  const target = parse(blocked)
  if (page?.host !== host || !directive) return undefined
  if (OF_VITE.test(file.pathname) || (/^wss?:$/.test(target?.protocol) && target.host === host)) return undefined
  const source = WORDS[blocked] ?? (target?.host === host ? "'self'" : originOf(blocked) || target?.protocol)
  if (!source) return undefined
  const what = blocked === 'eval' ? 'eval or new Function' : blocked === 'inline' ? INLINE[directive] : ''
  const [notice] = policyNotices(profile, new Map(), [[printable(directive), source, what, printable(file.pathname)]])
  return { key: `${directive} ${source}`, notice }
}

async function read(request) {
  let text = ''
  for await (const chunk of request) if (text.length < MAX_REPORT_CHARACTERS) text += chunk
  return text
}

function isPage({ headers }) {
  const destination = headers['sec-fetch-dest']
  return destination ? /^(?:document|i?frame)$/.test(destination) : /\btext\/html\b/.test(headers.accept)
}

// Adds the header when the page is sent: by one call of end(), or in pieces, which begin with writeHead().
function addPolicy(settings, request, response) {
  const { end, writeHead } = response
  const add = (html) => {
    if (!response.headersSent && !response.hasHeader(HEADER)) response.setHeader(HEADER, policyOf(settings, html))
  }
  delete request.headers['if-none-match'] // an answer from the browser's cache would have the header of another start
  response.end = function (body, ...rest) {
    const isText = typeof body === 'string' || Buffer.isBuffer(body)
    if (isText && !response.hasHeader('Content-Encoding')) add(String(body))
    return end.call(this, body, ...rest)
  }
  response.writeHead = function (...words) {
    add()
    return writeHead.apply(this, words)
  }
}

export function reportPolicy({ profile, sources }) {
  const settings = readSettings(profile, sources)
  const seen = new Set()
  const say = (host, text) => {
    const { key, notice } = noticeOf(profile, host, JSON.parse(text)['csp-report'] ?? {}) ?? {}
    if (!key || seen.has(key) || seen.size >= MAX_NOTICES) return
    seen.add(key)
    console.warn(`! ${notice}`)
  }
  const answer = async (request, response) => {
    response.statusCode = 204
    try {
      say(request.headers.host, await read(request))
    } catch {
      response.statusCode = 400 // it is no report
    }
    response.end()
  }
  return {
    name: 'hello-dock:report-policy',
    apply: 'serve',
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        if (request.method === 'POST' && request.url === ADDRESS) return answer(request, response)
        if (isPage(request)) addPolicy(settings, request, response)
        return next()
      })
    },
  }
}
