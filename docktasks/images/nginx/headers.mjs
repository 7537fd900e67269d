// The file _headers of a site, as Netlify and Cloudflare Pages read it: a path, and below it `Name: value` a line.
//     https://docs.netlify.com/manage/routing/headers/
//     https://developers.cloudflare.com/pages/configuration/headers/
// Every path that matches counts. Values of one name are joined by a comma, and `! Name` removes what came before.
import { map, quoted, quotedPattern } from './nginx-text.mjs'
import { patternOf } from './path-pattern.mjs'
import { linesOf, SiteFileError } from './redirects.mjs'

const FORM = 'Write a path in public/_headers, such as /assets/*, and below it lines such as: X-Robots-Tag: noindex'
const MAX_CHARACTERS = 3500 // nginx takes no word of more than 4,096
const OF_THE_SERVER = `accept-ranges age allow connection content-encoding content-length content-range date etag
  keep-alive last-modified location server te trailer transfer-encoding upgrade vary`.split(/\s+/)
// An error and the app's page for an address without a file must not be kept for as long as the file itself.
const ABOUT_CACHES = /cache|^(expires|pragma|age|surrogate-)/i

// nginx's location takes no variable, and so no $. The address of a folder is no file, and two paths are ours.
const ONE_FILE = /^(?!.*\/\.(?!well-known\/))(?!\/(?:healthz|env\.js)$)\/[\w./@~+-]*[^/]$/
const TYPE = /^[\w.+-]+\/[\w.+-]+(?:\s*;\s*[\w-]+=[\w.-]+)*$/

// The rules of _headers in their order, and what to tell the user: { rules, types, notices }. A rule is
// { path, name, value }; without a value it removes the header. `types` has the Content-Type of paths without a part
// that may be anything. Raises SiteFileError.
export function parseHeaders(text) {
  const rules = []
  const types = new Map()
  const notices = []
  let path
  for (const [number, line] of linesOf(text)) {
    const content = line.trim().replace(/\t/g, ' ')
    const fail = (why) => {
      throw new SiteFileError('_headers', number, content.slice(0, 100), why, FORM)
    }
    const leaveOut = (reason) =>
      notices.push(`_headers, line ${number} is left out, because ${reason}: ${content.slice(0, 100)}`)
    if (/^\/|^https?:\/\//i.test(content)) {
      path = content
      if (/\s/.test(path)) fail('A path has no space. Write %20.')
      if (!path.startsWith('/')) leaveOut('it is for one host only, with the lines below it')
      continue
    }
    const [, removed, name = removed, value] = content.match(/^(?:!\s*([\w-]+)|([\w-]+)\s*:\s*(.*))$/) ?? []
    if (!name) fail('It is neither a path, which begins with a slash, nor Name: value, nor ! Name.')
    if (!path) {
      leaveOut('no path stands above it')
      continue
    }
    if (!removed && !value) fail('The header has no value.')
    if (/[^\x20-\x7e]/.test(content)) fail('It has a character that no header can hold: all but ASCII.')
    if (content.length > MAX_CHARACTERS) fail(`It has more than ${MAX_CHARACTERS} characters.`)
    if (!path.startsWith('/')) continue
    const reason = reasonToLeaveOut(path, name, value)
    if (reason) leaveOut(reason)
    else if (/^content-type$/i.test(name) && !TYPE.test(value)) fail('This is no media type.')
    else if (/^content-type$/i.test(name)) types.set(path, value)
    else rules.push({ path, name, value })
  }
  return { rules, types, notices }
}

function reasonToLeaveOut(path, name, value) {
  if (OF_THE_SERVER.includes(name.toLowerCase())) return 'the server sets this header by what it sends'
  if (/^basic-auth$/i.test(name)) return 'hello-dock asks for no password. The path is open to everybody'
  if (/^set-cookie$/i.test(name)) return 'hello-dock sets no cookie'
  if (/^content-type$/i.test(name) && (!value || !ONE_FILE.test(path))) {
    return 'a type is for the path of one file, without * and :'
  }
  return value && /:splat\b|(?<=\/):[A-Za-z]\w*/.test(value) && /[*:]/.test(path)
    ? 'a value takes no part of the path'
    : ''
}

// nginx's configuration for the rules: the text of each file by its path below /etc/nginx, and `adapt`, which changes
// the text of serving/*.conf: where the site sets a header of ours, its value takes the place of ours.
export function headersConfiguration({ rules, types }, base = '') {
  const names = new Map(rules.map(({ name }) => [name.toLowerCase(), name]))
  const variables = new Map([...names.keys()].map((key, index) => [key, `$site_header_${index}`]))
  const ours = new Map()
  const adapt = (text) =>
    text.replace(/^add_header ([\w-]+) (\$\w+|\S+|"[^"]*")( always)?;/gm, (line, name, value) => {
      const variable = variables.get(name.toLowerCase())
      if (!variable) return line
      ours.set(name.toLowerCase(), value)
      return `add_header ${name} ${variable} always;`
    })
  const notes = map('""', '$health_headers', [['default', `"The site's _headers has rules for caches.\\n"`]])
  const textOf = ([key, variable]) => {
    const own = rules.filter(({ name }) => name.toLowerCase() === key)
    const lines = mapsOf(own, variable, ours.get(key), base)
    return ours.has(key) ? lines : `${lines}add_header ${names.get(key)} ${variable} always;\n`
  }
  const files = () => ({
    ...(variables.size && {
      'site/headers.conf': (ours.has('cache-control') ? notes : '') + [...variables].map(textOf).join(''),
    }),
    ...(types.size && { 'redirects/first-types.conf': [...types].map(locationOf).join('') }),
  })
  return { adapt, files }
}

// Each rule adds ", value" to what the rules before it gave, or makes it "-". The last map takes the comma away.
function mapsOf(rules, variable, ours = '""', base) {
  const text = rules.map(({ path, name, value }, index) => {
    const before = index ? [[`${variable.slice(1)}_${index}`]] : []
    const after = value === undefined ? '"-"' : quoted(...before, `, ${value}`)
    const pattern = quotedPattern(patternOf(path, { base }).replace('(?<rule_base>', '(?:'))
    return map('$request_path', `${variable}_${index + 1}`, [
      ['default', quoted(...before)],
      [pattern, after],
    ])
  })
  const isAboutCaches = ABOUT_CACHES.test(rules[0].name)
  const [source, start] = isAboutCaches ? [`"$late$unknown$status `, '^(?:20[06]|304) '] : ['"', '^']
  return (
    text.join('') +
    map(`${source}\${${variable.slice(1)}_${rules.length}}"`, variable, [
      ['default', ours],
      [quotedPattern(`${start}-$`), '""'],
      [quotedPattern(`${start}-?, (?<header_value>.+)$`), '$header_value'],
    ])
  )
}

// The type of one file. An exact location comes before every other.
function locationOf([path, type]) {
  return `location = ${quoted(path)} {\n    types { }\n    default_type ${quoted(type)};
    try_files /hashed/$tree$uri /hashed/site$uri /$tree$uri /site$uri @unknown;\n}\n`
}
