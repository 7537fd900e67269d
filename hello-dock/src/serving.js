const UNITS = ['B', 'kB', 'MB', 'GB']
const NO_BREAK = '\u00a0'
const SPANS = [
  ['year', 31_536_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]
const EXTENSIONS = {
  script: /\.(m?js|jsx|ts|tsx|vue)$/,
  style: /\.(css|scss|sass|less|styl)$/,
  image: /\.(svg|png|jpe?g|gif|webp|avif|ico)$/,
  font: /\.(woff2?|ttf|otf)$/,
  data: /\.(json|wasm|txt|xml)$/,
}
// What the page itself asks for in order to measure is not part of what it was served with.
const MEASURING = new Set(['fetch', 'xmlhttprequest', 'beacon'])

/**
 * @param {number | null} bytes
 * @returns {string} in units of 1000, as network tools count
 */
export function formatBytes(bytes) {
  if (bytes === null) return '–'
  let [value, unit] = [bytes, 0]
  // 999.95 would be shown as 1000.0.
  while (value >= (unit ? 999.95 : 1000) && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit ? value.toFixed(1) : value}${NO_BREAK}${UNITS[unit]}`
}

/**
 * @param {number} seconds
 * @returns {string} in the largest unit that fits, rounded down
 */
export function formatSpan(seconds) {
  const [name, length] = SPANS.find(([, each]) => seconds >= each) ?? SPANS.at(-1)
  const count = Math.floor(seconds / length)
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** @returns {'document' | 'script' | 'style' | 'image' | 'font' | 'data' | 'other'} */
export function typeOf(entry) {
  if (entry.entryType === 'navigation') return 'document'
  const url = new URL(entry.name)
  // The development server compiles an SFC's style block into a module of its own.
  if (url.searchParams.get('type') === 'style') return 'style'
  const byName = Object.keys(EXTENSIONS).find((type) => EXTENSIONS[type].test(url.pathname))
  if (byName) return byName
  return url.pathname.startsWith('/@') || entry.initiatorType === 'script' ? 'script' : 'other'
}

/**
 * @param {string | null} header Content-Encoding
 * @returns {string} the coding, or "none"
 */
export function encodingOf(header) {
  const coding = header?.trim().toLowerCase()
  return !coding || coding === 'identity' ? 'none' : coding
}

/**
 * What a Cache-Control header means for a browser that comes back.
 *
 * @param {string | null} header
 * @returns {{ kind: 'fixed' | 'kept' | 'asked' | 'never' | 'guessed', text: string }}
 */
export function cachePolicy(header) {
  const parts = (header ?? '').toLowerCase().split(',').map((part) => part.trim())
  const stated = parts.find((part) => /^max-age="?\d+/.test(part))
  const seconds = stated ? Number(stated.match(/\d+/)[0]) : null
  if (parts.includes('no-store')) return { kind: 'never', text: 'never kept' }
  if (parts.includes('no-cache') || seconds === 0) return { kind: 'asked', text: 'asked again each time' }
  if (seconds === null) return { kind: 'guessed', text: 'left to the browser' }
  const text = `kept ${formatSpan(seconds)}`
  return parts.includes('immutable') ? { kind: 'fixed', text: `${text}, never asked again` } : { kind: 'kept', text }
}

/** Whether a timing entry is a file of this page, from this server. */
export function isServed(entry, origin) {
  return !MEASURING.has(entry.initiatorType) && entry.name.startsWith(`${origin}/`)
}

/**
 * One file as the page shows it, before its headers are known. Sizes are bodies in bytes, null where unknown.
 *
 * @param {PerformanceResourceTiming} entry
 * @param {number} firstViewAt milliseconds since navigation; what started later is no part of the first load
 */
export function fileOf(entry, firstViewAt) {
  const { origin, pathname, search } = new URL(entry.name)
  const path = pathname + search
  const type = typeOf(entry)
  // Browsers fetch the page's icon when they please, and some never tell: counted, it would make the totals waver.
  const icon = type === 'image' && entry.initiatorType === 'other'
  return {
    url: origin + path,
    path,
    type,
    wire: entry.encodedBodySize || null,
    decoded: entry.decodedBodySize || null,
    encoding: null,
    cacheControl: null,
    policy: null,
    first: !icon && entry.startTime <= firstViewAt,
  }
}

/**
 * The same file with what its headers tell. Content-Length wins: it also holds for a file that came from the cache.
 *
 * @param {ReturnType<typeof fileOf>} file
 * @param {Headers} headers
 */
export function withHeaders(file, headers) {
  const encoding = encodingOf(headers.get('content-encoding'))
  const wire = Number(headers.get('content-length')) || file.wire
  const cacheControl = headers.get('cache-control')
  return {
    ...file,
    wire,
    decoded: file.decoded ?? (encoding === 'none' ? wire : null),
    encoding,
    cacheControl,
    policy: cachePolicy(cacheControl),
  }
}

/**
 * Sums up the files of the first load.
 *
 * @param {ReturnType<typeof fileOf>[]} files
 * @returns {{ count: number, wire: number, decoded: number, ratio: number | null, types: object[] }} sizes in bytes,
 *   types by decoded size, largest first
 */
export function totals(files) {
  const first = files.filter((file) => file.first)
  const sum = (some, key) => some.reduce((total, file) => total + (file[key] ?? 0), 0)
  const [wire, decoded] = [sum(first, 'wire'), sum(first, 'decoded')]
  const types = [...new Set(first.map((file) => file.type))].map((type) => {
    const some = first.filter((file) => file.type === type)
    return { type, count: some.length, wire: sum(some, 'wire'), decoded: sum(some, 'decoded') }
  })
  types.sort((one, other) => other.decoded - one.decoded)
  return { count: first.length, wire, decoded, ratio: wire ? decoded / wire : null, types }
}
