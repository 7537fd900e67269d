// Reads a page as a browser's parser does, as far as it decides what runs and what loads: where tags, scripts and
// comments begin and end, and what an attribute's value is.
//     https://html.spec.whatwg.org/multipage/parsing.html#tokenization
import { readFileSync } from 'node:fs'

// A name with its semicolon, or one of those that may lack it -> its characters. Written by docs/entities.py.
const ENTITIES = JSON.parse(readFileSync(new URL('./entities.json', import.meta.url), 'utf8'))
// What a browser takes for the numbers 128 to 159: characters of windows-1252.
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'

const PLAIN_TEXT = new Set(['title', 'textarea', 'style', 'xmp', 'iframe', 'noembed', 'noframes', 'noscript'])
// Elements of HTML that end a drawing (svg) or a formula (math), and elements of these that hold HTML.
const LEAVES_FOREIGN = new Set(
  `b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr
   ol p pre ruby s small span strong strike sub sup table tt u ul var`.split(/\s+/),
)
const HOLDS_HTML = { svg: ['foreignobject', 'desc', 'title'], math: ['mi', 'mo', 'mn', 'ms', 'mtext'] }

const SPACE = String.raw`\t\n\f\r `
const ATTRIBUTE = new RegExp(
  `[${SPACE}/]*([^${SPACE}/>][^${SPACE}/>=]*)` +
    `(?:[${SPACE}]*=[${SPACE}]*(?:"([^"]*)(?:"|$)|'([^']*)(?:'|$)|([^${SPACE}>]*)))?`,
  'y',
)
const TAG_NAME = new RegExp(`[A-Za-z][^${SPACE}/>]*`, 'y')
const TAG_END = new RegExp(`[${SPACE}/]*>`, 'y')
const COMMENT = /<!--(?:-?>|[^]*?(?:--!?>|$))/y
const CDATA = /<!\[CDATA\[([^]*?)(?:\]\]>|$)/y

function match(pattern, html, position) {
  pattern.lastIndex = position
  return pattern.exec(html)
}

// The parser sees one kind of line end, and no NUL.
const normalized = (text) => text.replace(/\r\n?/g, '\n').replace(/\0/g, '\ufffd')

function characterOf(code) {
  if (code >= 128 && code < 160) return WINDOWS_1252[code - 128]
  return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? '\ufffd' : String.fromCodePoint(code)
}

// In an attribute a name without its semicolon is text when a letter, a digit or = follows, as in ?a=1&copy=2.
export function decode(text, inAttribute) {
  return text.replace(/&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([a-zA-Z0-9]+;?))/g, (all, hex, decimal, name, index) => {
    if (hex || decimal) return characterOf(Math.min(parseInt(hex ?? decimal, hex ? 16 : 10), 0x110000))
    let known = name
    while (known && !Object.hasOwn(ENTITIES, known)) known = known.slice(0, -1)
    if (!known) return all
    const next = text[index + 1 + known.length] ?? ''
    if (inAttribute && !known.endsWith(';') && /[=a-zA-Z0-9]/.test(next)) return all
    return ENTITIES[known] + name.slice(known.length)
  })
}

// The tag whose name begins at a position; null when the page ends within it.
function readTag(html, position) {
  const name = match(TAG_NAME, html, position)[0]
  const attributes = new Map()
  let end = position + name.length
  for (let result; (result = match(ATTRIBUTE, html, end)); end = ATTRIBUTE.lastIndex) {
    const [, key, ...values] = result
    const lower = key.toLowerCase()
    const value = values.find((text) => text !== undefined) ?? ''
    if (!attributes.has(lower)) attributes.set(lower, decode(normalized(value), true))
  }
  const tail = match(TAG_END, html, end)
  if (!tail) return null
  return {
    name: name.toLowerCase(), attributes, nameEnd: position + name.length,
    tagEnd: TAG_END.lastIndex, isClosed: tail[0].endsWith('/>'),
  }
}

// Where the text of a script ends. <!-- hides a script within it:
//     https://html.spec.whatwg.org/multipage/parsing.html#script-data-escaped-state
function scriptEnd(html, start) {
  const marks = new RegExp(`<!--|-->|</?script(?=[${SPACE}/>])`, 'gi')
  marks.lastIndex = start
  let depth = 0 // 1 after <!--, 2 in a script within
  for (let result; (result = marks.exec(html)); ) {
    const mark = result[0].toLowerCase()
    if (mark === '<!--') {
      depth ||= 1
      marks.lastIndex = result.index + 2 // its dashes may be those of -->
    } else if (mark === '-->') depth = 0
    else if (mark === '<script') depth &&= 2
    else if (depth === 2) depth = 1
    else return result.index
  }
  return -1
}

// Where the text of another element ends: at once when it has elements. -1 when it holds all the rest.
function textEnd(html, start, name) {
  if (name === 'plaintext') return -1
  if (!PLAIN_TEXT.has(name)) return start
  const result = match(new RegExp(`</${name}(?=[${SPACE}/>])`, 'gi'), html, start)
  return result ? result.index : html.length
}

// The open elements of drawings and formulas, outermost first. In these the parser reads comments, CDATA and references
// also in a script or a style.
class Foreign {
  open = []
  get holds() {
    const names = this.open.map(({ name }) => name)
    const root = names.findLast((name) => name in HOLDS_HTML)
    return names.length > 0 && !HOLDS_HTML[root].includes(names.at(-1))
  }
  // True when the element that starts is one of a drawing or a formula.
  start(element, isClosed) {
    const { name, attributes } = element
    const isFont = name === 'font' && ['color', 'face', 'size'].some((key) => attributes.has(key))
    if (isFont || LEAVES_FOREIGN.has(name)) while (this.holds) this.open.pop()
    const isForeign = this.holds || name === 'svg' || name === 'math'
    if (isForeign && !isClosed) this.open.push(element)
    return isForeign
  }
  end(name) {
    const index = this.open.findLastIndex((element) => element.name === name)
    if (index >= 0) this.open.length = index
    else if (name === 'p' || name === 'br') while (this.holds) this.open.pop()
  }
  addText(text) {
    if (this.holds) this.open.at(-1).text += text
  }
}

// The elements of a page in their order: { name, attributes: Map, text, nameEnd }. Names are in small letters. `text`
// is that of an element whose content is text only, such as script and style. `nameEnd` is where its name ends.
export function elementsOf(html) {
  const elements = []
  const foreign = new Foreign()
  let position = html.startsWith('\ufeff') ? 1 : 0
  for (let tagStart; (tagStart = html.indexOf('<', position)) >= 0; ) {
    foreign.addText(decode(normalized(html.slice(position, tagStart)), false))
    position = tagStart
    const next = html[position + 1] ?? ''
    if (/[a-zA-Z]/.test(next)) {
      const tag = readTag(html, position + 1)
      if (!tag) break
      const { name, attributes, nameEnd } = tag
      const element = { name, attributes, nameEnd, text: '' }
      position = tag.tagEnd
      if (!foreign.start(element, tag.isClosed)) {
        const end = name === 'script' ? scriptEnd(html, position) : textEnd(html, position, name)
        if (end < 0) break // plaintext, or a script that the page does not end, which is not run
        element.text = normalized(html.slice(position, end))
        position = end
      }
      elements.push(element)
    } else if (next === '/' && /[a-zA-Z]/.test(html[position + 2] ?? '')) {
      const tag = readTag(html, position + 2)
      if (!tag) break
      foreign.end(tag.name)
      position = tag.tagEnd
    } else if (html.startsWith('<!--', position)) {
      position += match(COMMENT, html, position)[0].length
    } else if (foreign.holds && html.startsWith('<![CDATA[', position)) {
      const [all, text] = match(CDATA, html, position)
      foreign.addText(normalized(text))
      position += all.length
    } else if (next === '!' || next === '?' || next === '/') {
      const end = html.indexOf('>', position)
      position = end < 0 ? html.length : end + 1
    } else {
      foreign.addText('<')
      position += 1
    }
  }
  return elements
}
