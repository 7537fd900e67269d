// What a page's HTML runs and loads, as the Content-Security-Policy sees it: https://www.w3.org/TR/CSP3/
import { createHash } from 'node:crypto'
import { elementsOf } from './html.mjs'

export const hashOf = (code) => `'sha256-${createHash('sha256').update(code).digest('base64')}'`

// The names for JavaScript: https://mimesniff.spec.whatwg.org/#javascript-mime-type
const JAVASCRIPT =
  /^(?:(?:application|text)\/(?:x-)?(?:ecma|java)script|text\/(?:javascript1\.[0-5]|jscript|livescript))$/
const RUNS = /^(?:module|importmap|speculationrules)$/

// Attributes that load a file, by element. The policy names no directive for what it does not limit, such as a link.
const LOADS = {
  script: { src: 'script-src', href: 'script-src', 'xlink:href': 'script-src' },
  img: { src: 'img-src', srcset: 'img-src' },
  source: { srcset: 'img-src', src: 'media-src' },
  image: { href: 'img-src', 'xlink:href': 'img-src' },
  input: { src: 'img-src' },
  audio: { src: 'media-src' },
  video: { src: 'media-src', poster: 'img-src' },
  track: { src: 'media-src' },
  iframe: { src: 'frame-src' },
  frame: { src: 'frame-src' },
  embed: { src: 'object-src' },
  object: { data: 'object-src' },
  form: { action: 'form-action' },
  button: { formaction: 'form-action' },
}
const LINKS = {
  stylesheet: 'style-src', icon: 'img-src', 'apple-touch-icon': 'img-src', manifest: 'manifest-src',
  modulepreload: 'script-src',
}
const PRELOADS = {
  script: 'script-src', style: 'style-src', image: 'img-src', font: 'font-src', fetch: 'connect-src',
  worker: 'worker-src', audio: 'media-src', video: 'media-src', track: 'media-src',
}
const TAKES_URL = ['href', 'xlink:href', 'action', 'formaction', 'src', 'data']

// https://html.spec.whatwg.org/multipage/scripting.html#prepare-the-script-element
function runs({ name, attributes, text }) {
  if (name !== 'script' || text === '') return false
  if (['src', 'href', 'xlink:href'].some((key) => attributes.has(key))) return false
  const type = attributes.get('type') ?? (attributes.get('language') ? `text/${attributes.get('language')}` : '')
  const essence = type.trim().toLowerCase()
  return type === '' || JAVASCRIPT.test(essence) || RUNS.test(essence)
}

function parseUrl(...words) {
  return URL.canParse(...words) ? new URL(...words) : null
}

// The code of a javascript: address. Browsers differ in whether they hash it as written in the address.
function addressCode(value) {
  const url = /^[\0- ]*j\s*a\s*v\s*a\s*s\s*c\s*r\s*i\s*p\s*t\s*:/i.test(value) ? parseUrl(value)?.href : null
  if (!url) return []
  const bytes = url.replace(/(?:%[0-9a-f]{2})+/gi, (text) => Buffer.from(text.replaceAll('%', ''), 'hex').toString())
  return [...new Set([url, bytes])]
}

// scheme://host:port, or the host of //host/path, which the page's own scheme reaches. Empty for the page's own files.
export function originOf(address) {
  const text = address.replace(/[\t\n\r]/g, '').trim().replaceAll('\\', '/')
  if (!/^(?:(?:https?|wss?):)?\/\//i.test(text)) return ''
  const url = parseUrl(text, 'https://page.invalid')
  const host = url && /^[a-z0-9.-]+$/.test(url.hostname) ? url.host : ''
  return host && (text.startsWith('//') ? host : `${url.protocol}//${host}`)
}

const addressesIn = (name, value) =>
  name === 'srcset' ? value.split(/,\s+|,(?=https?:)/).map((part) => part.trim().split(/\s+/)[0]) : [value]

function linkDirectives(attributes) {
  const rels = (attributes.get('rel') ?? '').toLowerCase().split(/\s+/)
  const names = rels.map((rel) => (rel === 'preload' ? PRELOADS[attributes.get('as')?.toLowerCase()] : LINKS[rel]))
  return names.filter(Boolean)
}

// The origins of scripts that an inline script loads: an import map's, those of import and of an element's src, and the
// addresses that end like a script's.
const SCRIPT_ADDRESS = [
  /(?:\bimport\s*\(?|\bfrom|\.src\s*=|\bimportScripts\s*\()\s*["'`]((?:https?:)?\/\/[^"'`\s]+)/g,
  /["'`]((?:https?:)?\/\/[^"'`\s?#]+\.m?js)(?=["'`?#])/g,
]
function scriptAddresses(attributes, text) {
  const type = attributes.get('type')?.trim().toLowerCase()
  if (type === 'speculationrules') return []
  const patterns = type === 'importmap' ? [/"((?:https?:)?\/\/[^"\s]+)"/g] : SCRIPT_ADDRESS
  return patterns.flatMap((pattern) => [...text.matchAll(pattern)].map(([, address]) => address))
}

// { scripts, handlers, styles, styleAttributes }: sets of hashes; `scriptTexts` and `styleTexts`: texts of the first and
// the third. `loads`: directive -> the set of other origins that the HTML names for it. `hasBase`: it has a base element.
// `oldScripts`: the addresses of scripts for browsers without modules, as of @vitejs/plugin-legacy.
// `swaps`: a router of Astro changes its content into that of another page, whose inline scripts then run in this one.
export function needsOf(html) {
  const [scripts, handlers, styles, styleAttributes] = [new Set(), new Set(), new Set(), new Set()]
  const texts = { scriptTexts: [], styleTexts: [], oldScripts: [] }
  const needs = { scripts, handlers, styles, styleAttributes, ...texts, loads: {}, hasBase: false, swaps: false }
  const add = (directive, address) => {
    const origin = originOf(address)
    if (origin) (needs.loads[directive] ??= new Set()).add(origin)
  }
  const read = (page) => elementsOf(page).forEach(readElement)

  function readElement(element) {
    const { name, attributes, text } = element
    if (runs(element)) {
      needs.scripts.add(hashOf(text))
      needs.scriptTexts.push(text)
      for (const address of scriptAddresses(attributes, text)) add('script-src', address)
    }
    if (name === 'style') {
      needs.styles.add(hashOf(text))
      needs.styleTexts.push(text)
    }
    if (name === 'base' && attributes.get('href')) needs.hasBase = true
    if (name === 'meta' && attributes.get('name') === 'astro-view-transitions-enabled') needs.swaps = true
    if (name === 'script' && attributes.has('nomodule')) needs.oldScripts.push(attributes.get('src') ?? '')
    if (name === 'noscript') read(text)
    if (attributes.get('srcdoc')) read(attributes.get('srcdoc'))
    const linked = name === 'link' ? linkDirectives(attributes) : []
    for (const directive of linked) add(directive, attributes.get('href') ?? '')
    for (const [key, value] of attributes) {
      if (/^on[a-z]+$/.test(key) && value) needs.handlers.add(hashOf(value))
      if (key === 'style' && value) needs.styleAttributes.add(hashOf(value))
      if (TAKES_URL.includes(key)) for (const code of addressCode(value)) needs.handlers.add(hashOf(code))
      const directive = LOADS[name]?.[key]
      if (directive) for (const address of addressesIn(key, value)) add(directive, address)
    }
  }
  read(html)
  return needs
}
