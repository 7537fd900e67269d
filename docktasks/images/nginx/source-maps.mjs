// Which files of a site are source maps. They have the source of the app, and no visitor's browser loads them.

const MAP = /\.map$/i
const MAPPED = /\.(?:[cm]?js|css)\.map$/i
const COPY = /\.(?:gz|br|zst)$/i
// At the start of a line and with content: a library's code may write such a comment, too.
const INLINE = /^\s*(?:\/\/|\/\*)[#@]\s*sourceMappingURL=data:[^'"`\s]{40}/m

// Another program's file may be called .map, too. Some servers put a line that is no JSON before a source map:
// https://tc39.es/ecma426/#sec-source-map-format
function isSourceMap(text) {
  try {
    const map = JSON.parse(text.replace(/^\uFEFF?(?:\)\]\}'[^\n]*\n)?/, ''))
    return map?.version === 3 && ('mappings' in map || 'sections' in map)
  } catch {
    return false
  }
}

// The names of source maps, and of their compressed copies.
export function sourceMapsAmong(names, read) {
  const maps = new Set([...names].filter((name) => MAPPED.test(name) || (MAP.test(name) && isSourceMap(read(name)))))
  return [...names].filter((name) => maps.has(name) || maps.has(name.replace(COPY, '')))
}

// The scripts and styles whose source map is in the file itself.
export function inlineMapsAmong(names, read) {
  return [...names].filter((name) => /\.(?:[cm]?js|css)$/i.test(name) && INLINE.test(read(name)))
}

const PRECACHES = /\bprecache|\b__precacheManifest|\.addAll\s*\(/
const QUOTED = (name) => new RegExp(`["'\`/]${name.replace(/[^\w/-]/g, '\\$&')}["'\`?]`)

// [script, map] where a service worker's list has one of these maps: a file that is missing fails its installation.
export function precachedMap(maps, names, read) {
  for (const script of [...names].filter((name) => /\.[cm]?js$/i.test(name))) {
    const text = read(script)
    const map = PRECACHES.test(text) && maps.find((name) => QUOTED(name).test(text))
    if (map) return [script, map]
  }
  return undefined
}

export function sourceMapNotices(maps, inline) {
  const count = (names, one, many) => `${names.length === 1 ? `${one} is` : `${names.length} ${many} are`}`
  const kept =
    `${count(maps, 'A source map', 'source maps')} kept out of the site (${maps[0]}). To get ` +
    `${maps.length === 1 ? 'it' : 'them'}: invoke build-prod --source-maps=FOLDER`
  const served =
    `The source of the app is in ${inline[0]}${inline.length > 1 ? ` and ${inline.length - 1} more` : ''}, where every ` +
    `visitor can read it: build.sourcemap 'hidden' instead of 'inline' keeps it out`
  return [...(maps.length ? [kept] : []), ...(inline.length ? [served] : [])]
}
