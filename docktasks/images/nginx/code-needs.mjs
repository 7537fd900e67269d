// What scripts and styles need of the Content-Security-Policy, as far as their text tells. A script is not run: what it
// puts together at run time stays unknown.
import { originOf } from './page-needs.mjs'

// Where a script may stop being code: a comment, a string, or the beginning of a template or a pattern.
const TOKEN =
  /\/\*[^]*?\*\/|\/\/[^\n]*|"[^"\\\n]*(?:\\[^][^"\\\n]*)*"|'[^'\\\n]*(?:\\[^][^'\\\n]*)*'|[`{}/]/g
const TEMPLATE = /[^`\\$]*(?:(?:\\[^]|\$(?!\{))[^`\\$]*)*(`|\$\{)/y
const PATTERN = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y
const BEFORE_PATTERN = /(?:^|[(,=:[!&|?{};+\-*%~^<>\n]|\b(?:return|typeof|case|in|of|void|delete))\s*$/
// Libraries try these where they look for the global object, and go on without.
const IS_TRIAL = /^(?:|return this|r|regeneratorRuntime = r)$/

const string = (content) => (IS_TRIAL.test(content) ? '""' : '"s"')

// The code without comments and without what its strings hold: "" for a trial, and "s" for every other.
export function codeOnly(text) {
  const pieces = []
  let end = '' // of the code until now
  let position = 0
  const add = (piece) => {
    pieces.push(piece)
    end = (end + piece.slice(-20)).slice(-20)
  }
  const depths = [] // braces that are open in each ${…} of a template
  const jump = (pattern, index) => {
    pattern.lastIndex = index
    const result = pattern.exec(text)
    return result && { end: pattern.lastIndex, mark: result[1] }
  }
  TOKEN.lastIndex = 0
  for (let result; (result = TOKEN.exec(text)); ) {
    const [token] = result
    add(text.slice(position, result.index))
    position = TOKEN.lastIndex
    const closesTemplate = token === '}' && depths.at(-1) === 0
    if (token === '`' || closesTemplate) {
      const rest = jump(TEMPLATE, position) ?? { end: text.length }
      const content = rest.mark === '`' ? text.slice(position, rest.end - 1) : undefined
      if (closesTemplate) depths.pop()
      else add(string(content))
      if (rest.mark === '${') {
        depths.push(0)
        add('+')
      }
      position = rest.end
    } else if (token === '/') {
      const pattern = BEFORE_PATTERN.test(end) && jump(PATTERN, result.index)
      add(pattern ? '/p/' : token)
      position = pattern ? pattern.end : position
    } else if (token === '{' || token === '}') {
      if (depths.length) depths[depths.length - 1] += token === '{' ? 1 : -1
      add(token)
    } else if (token[0] === '/') add(' ')
    else add(string(token.slice(1, -1)))
    TOKEN.lastIndex = position
  }
  return pieces.join('') + text.slice(position)
}

const WASM =
  /\bWebAssembly\s*[?.[]+\s*(?:instantiate|compile|validate|Module|Instance)|[=(:,?]\s*WebAssembly\s*[;,)}]/
const FROM_TEXT = /(?<![.\w$])(?:(?:new\s+)?Function\s*\((?!\s*(?:""\s*(?:,\s*""\s*)?)?\))|eval\s*\()/
const IS_DECLARATION = /\bfunction\s+(?:Function|eval)\s*\(/
const WORKER = [/\bnew\s+(?:Shared)?Worker\s*\(/, /createObjectURL/]
const WORKER_TYPE = /(?:text|application)\/javascript/
const STYLE =
  /(?:createElement|setAttribute)\(\s*["'`]style["'`]|<[a-z][\w-]*\s[^<>`]{0,300}\bstyle=\\?["'][^"'\\]*:/
const ADDRESS = String.raw`((?:https?|wss?):\/\/[^"'\`\s)]+)`
const ORIGINS = [
  ['script-src', new RegExp(String.raw`(?<![.\w$])import\s*\(\s*["'\`]${ADDRESS}`, 'g')],
  ['script-src', new RegExp(String.raw`\bfrom\s*["']${ADDRESS}["']`, 'g')],
  // Addresses that end like a script's, such as those of widgets that add a script element.
  ['script-src', /["'`](https?:\/\/(?:js\.[^"'`\s?#]+|[^"'`\s?#]+(?:\.m?js|\/js)))(?=["'`?#])/g],
  ['connect-src', new RegExp(String.raw`(?<![\w$])(?:fetch|WebSocket|EventSource)\s*\(\s*["'\`]${ADDRESS}`, 'g')],
  ['connect-src', /["'`](http:\/\/(?:localhost|127\.0\.0\.1):\d+)/g],
]
const IMPORT_SCRIPTS = /(?<![.\w$])importScripts\s*\(([^)]*)\)/g
const STYLE_ADDRESS = /(@import\s+(?:url\(\s*)?|url\(\s*)["']?((?:https?:)?\/\/[^"'\s)]+)/g
// Features that a page asks its visitor for:
//     https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Permissions-Policy
const FEATURES = {
  geolocation: /\.geolocation\b/,
  camera: /\bgetUserMedia\b/,
  microphone: /\bgetUserMedia\b/,
  payment: /\bPaymentRequest\b/,
  usb: /\bnavigator\.usb\b/,
}
export const FEATURE_NAMES = Object.keys(FEATURES).sort()

// { needs: [directive, source, what][], workerOrigins, features, hasWasm } of a script. `workerOrigins` are those of the
// scripts that a worker loads when it starts.
export function scriptNeeds(text) {
  const needs = []
  const code = codeOnly(text)
  if (FROM_TEXT.test(code.replace(IS_DECLARATION, ''))) {
    needs.push(['script-src', "'unsafe-eval'", 'eval or new Function'])
  }
  if (WORKER.every((pattern) => pattern.test(code)) && WORKER_TYPE.test(text)) {
    needs.push(['worker-src', 'blob:', 'a worker that a script holds as text'])
  }
  if (STYLE.test(text)) needs.push(['style-src', "'unsafe-inline'", 'styles that scripts write into the page'])
  if (/(?<![\w$])fetch\s*\(\s*["'`]data:/.test(text)) needs.push(['connect-src', 'data:', 'fetch of data: addresses'])
  for (const [directive, pattern] of ORIGINS) {
    for (const [, address] of text.matchAll(pattern)) needs.push([directive, originOf(address), ''])
  }
  const lists = [...text.matchAll(IMPORT_SCRIPTS)].map(([, list]) => list)
  const workerOrigins = new Set(lists.flatMap((list) => list.match(new RegExp(ADDRESS, 'g')) ?? []).map(originOf))
  for (const origin of workerOrigins) needs.push(['script-src', origin, ''])
  return {
    needs,
    workerOrigins,
    features: FEATURE_NAMES.filter((name) => FEATURES[name].test(code)),
    hasWasm: WASM.test(code) || text.includes('data:application/wasm'),
  }
}

// [directive, source, what][] of a style.
export function styleNeeds(text) {
  const needs = []
  for (const { index, 1: start, 2: address } of text.matchAll(STYLE_ADDRESS)) {
    const isFont = text.lastIndexOf('@font-face', index) > text.lastIndexOf('}', index)
    const directive = start.startsWith('@') ? 'style-src' : isFont ? 'font-src' : 'img-src'
    needs.push([directive, originOf(address), ''])
  }
  return needs
}
