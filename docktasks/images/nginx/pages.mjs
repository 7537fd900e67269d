// The pages of a site: what kind of site the build wrote, and so what answers an address without a file.
import { escaped, map, quoted, quotedPattern } from './nginx-text.mjs'
import { firstPage, isPage } from './site-folder.mjs'
import { listed } from './texts.mjs'

// Pages that a framework writes for the addresses that its build does not know: Nuxt and SvelteKit, React Router,
// TanStack Start. Each starts the app, whose router reads the address.
export const SHELLS = ['200.html', '__spa-fallback.html', '_shell.html']

// A script that reads the address, hands it on in a query, a fragment or the session, and goes on at once.
const READS_ADDRESS = /\blocation\b[^]*\b(?:pathname|href)\b|\b(?:pathname|href)\b[^]*\blocation\b/
const HANDS_ON = /["'`}][^"'`\s]*[?#]|\b(?:session|local)Storage\b/
const GOES_ON = /\b(?:l|location)\.(?:replace|assign)\(|(?:^|[\s;{}.])location(?:\.href)? *=[^=]/
const WAITS = /\b(?:setTimeout|setInterval|addEventListener)\b|\bonclick\b/
const REFRESHES = /<meta[^>]*\bhttp-equiv=["']?refresh["']?[^>]*\bcontent=["']?0\b/i

// What answers an address without a file: { status, page, reason }, or { refusal }. Without a page it is our own text.
// `home` is the page that answers / where the build wrote none: run-prod prints that address, and the gate asks for it.
//     files        names of the site
//     fallback     the setting prod.fallback
//     catchAll     the line `/* PAGE STATUS` of _redirects, as { status, page, line }
//     startsApp    true for a 404.html that starts the app (isStart)
//     isMpa        true when vite's configuration has appType: 'mpa'
//     hasEntry     true when the source has an index.html, as every app of vite's own has
export function answerOf(site) {
  const answer = kindOf(site)
  if (answer.status !== 404 || site.files.has('index.html')) return answer
  return { ...answer, home: firstPage([...site.files].filter((name) => isPage(name) && !/(?:^|\/)404\.html$/.test(name))) }
}

// True for a 404.html by which an app runs on GitHub Pages, which has no fallback: it has the bytes of index.html, or a
// script of it keeps the address and goes to index.html at once (https://github.com/rafgraph/spa-github-pages). A page
// of a generator may send a visitor to another language, so that counts only in an app, whose source `hasEntry`.
export function isStart(own404, index, hasEntry) {
  if (own404.equals(index) || !hasEntry) return own404.equals(index)
  const html = String(own404)
  const scripts = [...html.matchAll(/<script\b[^>]*>([^]*?)<\/script/gi)].map(([, code]) => code)
  const handing = scripts.filter((code) => READS_ADDRESS.test(code) && HANDS_ON.test(code) && !WAITS.test(code))
  return handing.some((code) => GOES_ON.test(code) || REFRESHES.test(html))
}

function kindOf({ files, fallback = 'auto', catchAll, startsApp, isMpa, hasEntry }) {
  const own404 = files.has('404.html') ? '404.html' : undefined
  if (fallback === 'none') return { status: 404, page: own404, reason: 'prod.fallback is none' }
  if (fallback !== 'auto') {
    if (!files.has(fallback)) return { refusal: noSuchPage(fallback, files) }
    return { status: 200, page: fallback, reason: `prod.fallback is ${fallback}` }
  }
  const shell = SHELLS.find((name) => files.has(name))
  if (catchAll) {
    const isPlain = catchAll.status === 200 && catchAll.page === 'index.html' && !shell && !own404
    return { ...catchAll, reason: isPlain ? '' : `line ${catchAll.line} of _redirects says so` }
  }
  if (shell) return { status: 200, page: shell, reason: `the build wrote the shell ${shell}` }
  const hasIndex = files.has('index.html')
  if (hasIndex && own404 && startsApp) return { status: 200, page: 'index.html', reason: '' }
  if (own404) return { status: 404, page: own404, reason: 'the build wrote 404.html' }
  if (isMpa) return { status: 404, reason: "vite's configuration has appType: 'mpa'" }
  const pages = [...files].filter(isPage).sort()
  const count = pages.length
  if (!hasIndex && count === 1) return { status: 200, page: pages[0], reason: 'it is the only page that the build wrote' }
  const paths = pages.map((name) => `/${name}`)
  if (!hasIndex) return { status: 404, reason: `the build wrote ${listed(paths, 5)}, and no page for /` }
  if (!hasEntry && count > 1) return { status: 404, reason: `the build wrote ${count} pages, and no shell of an app` }
  return { status: 200, page: 'index.html', reason: '' }
}

function noSuchPage(fallback, files) {
  const pages = [...files].filter(isPage).sort()
  return {
    what: `prod.fallback is ${fallback}, but the build wrote no such page.`,
    why: 'That page answers every address without a file.',
    how: `Set it to auto, none, or a page of the build: ${listed(pages, 8)}`,
  }
}

// One line for the user. An app, whose index.html answers every address, is what everybody expects.
export function noticeOf({ status, page, home, reason }) {
  if (!reason) return ''
  const atRoot = home ? `, but / with /${home}` : ''
  const answer = status === 200 ? `the page ${page}` : `status 404 with ${page ?? 'a page of hello-dock'}`
  return `An address without a file is answered with ${answer}${atRoot}, because ${reason} (prod.fallback sets it)`
}

// The file that answers a path, as in serving/pages.conf.
export function fileFor(path, files) {
  const name = path.slice(1)
  const bare = name.replace(/\/+$/, '')
  const isFolder = name !== bare || !name
  const candidates = isFolder ? [`${name}index.html`, `${bare}.html`] : [name, `${bare}.html`, `${bare}/index.html`]
  return candidates.find((candidate) => files.has(candidate))
}

// Does a configuration of vite say appType: 'mpa'?
export const hasMpaType = (viteConfig) => /\bappType["']?\s*:\s*(["'`])mpa\1/.test(withoutComments(viteConfig))

export function withoutComments(script) {
  const texts = /(["'`])(?:\\.|(?!\1)[^\\\n])*\1|\/\*[^]*?\*\/|\/\/.*/g
  return script.replace(texts, (token) => (/^["'`]/.test(token) ? token : ' '))
}

// Does the source have a page that vite builds from? A page of a generator, such as Astro's, has no such source.
// `viteConfig` is the text of vite's configuration.
export function hasEntryPage(sourceNames, viteConfig) {
  return sourceNames.includes('index.html') || /\.html\b|\broot\s*:/.test(withoutComments(viteConfig))
}

// nginx's configuration, for serving/pages.conf. A 404.html in a folder is for what is below that folder.
export function pagesConfiguration({ status, page, home: root }, files) {
  const shell = status === 200 ? page : undefined
  const home = files.has('index.html') ? 'index.html' : (page ?? [...files].find(isPage) ?? [...files][0])
  const pages404 = [...files]
    .filter((name) => name.endsWith('/404.html'))
    .sort((one, other) => other.length - one.length)
    .map((name) => [`^page /${escaped(name.slice(0, -'404.html'.length))}`, name])
  if (page) pages404.push(['^page ', page])
  const notFound = pages404.map(([pattern, name]) => [quotedPattern(pattern), quoted(`/.not-found/${name}`)])
  const texts = [['default', quoted('There is nothing at this address.')]]
  if (!shell) texts.push(['page', quoted('This site has no page at this address.')])
  // The first address is always a page's, also when a script fetches it.
  const unknown = [[quotedPattern(shell ? '^page |^file /$' : '^(?:page|file) /$'), quoted(`/${shell ?? root}`)]]
  return [
    map('"$request_kind $uri"', '$fallback_page', [['default', '""'], ...(shell ?? root ? unknown : [])]),
    map('"$request_kind $uri"', '$fallback_not_found', [['default', '/.error.$error_format'], ...(shell ? [] : notFound)]),
    map('""', '$home_page', [['default', quoted(`/${home}`)]]),
    map('$request_kind', '$unknown_text', texts),
    map('""', '$health_fallback', [
      ['default', quoted(`Without a file: ${status} ${page ?? ''}`).replace(/"$/, '\\n"')],
    ]),
  ].join('')
}
