// The Content-Security-Policy of a site: reads its files, and gives the configuration and what to tell the user.
import { scriptNeeds, styleNeeds } from './code-needs.mjs'
import { needsOf } from './page-needs.mjs'
import { directivesOf, longestPolicy, policyConfiguration } from './policy.mjs'
import { MAX_POLICY_CHARACTERS, policyNotices } from './policy-notices.mjs'
import { isPage } from './site-folder.mjs'

const GOOGLE_STYLES = 'https://fonts.googleapis.com'
const SHARED = ['scripts', 'handlers', 'styles', 'styleAttributes']
const MAX_SHARED_HASHES = 50
const GOOGLE_FONTS = 'https://fonts.gstatic.com'

// [directive, source, what] of what a page's HTML loads from other origins. Its scripts' origins are in the policy
// already when the profile is compatible.
function loadsOf({ profile }, { loads }) {
  const names = Object.keys(loads).filter((name) => profile === 'strict' || name !== 'script-src')
  return names.flatMap((name) => [...loads[name]].map((origin) => [name, origin, '']))
}

// A worker has the policy of its own file: https://www.w3.org/TR/CSP3/#initialize-global-object-csp
const workerNeeds = (origins) => ({
  ...Object.fromEntries(SHARED.map((key) => [key, new Set()])),
  oldScripts: [],
  loads: { 'script-src': origins },
})

// Pages that swap their content have one policy: https://docs.astro.build/en/guides/view-transitions/
// Returns a notice when the policy would be too long for that.
function shareNeeds(pages) {
  const swapping = [...pages.values()].filter((page) => page.swaps)
  const all = (key) => new Set(swapping.flatMap((page) => [...page[key]]))
  const shared = Object.fromEntries(SHARED.map((key) => [key, all(key)]))
  const count = SHARED.reduce((sum, key) => sum + shared[key].size, 0)
  if (count > MAX_SHARED_HASHES) {
    const why = `The pages have ${count} inline scripts and styles, too many for one policy`
    return [`${why}: after a click on a link of Astro's ClientRouter those of the next page are blocked`]
  }
  const origins = new Set(swapping.flatMap((page) => [...(page.loads['script-src'] ?? [])]))
  for (const page of swapping) Object.assign(page, shared, { loads: { ...page.loads, 'script-src': origins } })
  return []
}

const SITE = 'http://site.invalid'
// The path of what a page names by an address, without its query; empty for what is no address.
function pathOf(address, page) {
  const base = `${SITE}/${page}`
  return URL.canParse(address, base) ? new URL(address, base).pathname.slice(1) : ''
}

// The files of a site, `names`, whose text `read` gives -> { configuration, notices }.
export function sitePolicy(settings, names, read) {
  const pages = new Map()
  const features = new Set()
  const needs = []
  let hasWasm = names.some((name) => /\.wasm$/i.test(name))
  const addNeeds = (file, all) => {
    for (const [directive, source, what] of all) {
      needs.push([directive, source, what, file])
      if (source === GOOGLE_STYLES) needs.push(['font-src', GOOGLE_FONTS, '', file]) // the styles name them
    }
  }
  const addScript = (file, text) => {
    const script = scriptNeeds(text)
    for (const feature of script.features) features.add(feature)
    hasWasm ||= script.hasWasm
    const isOrigin = ([name, source]) => name === 'script-src' && !source.startsWith("'")
    const isKnown = (need) => isOrigin(need) && (isPage(file) || workerOrigins.has(need[1]))
    const workerOrigins = settings.profile === 'compatible' ? script.workerOrigins : new Set()
    addNeeds(file, script.needs.filter((need) => !isKnown(need)))
    if (workerOrigins.size && !isPage(file)) pages.set(file, workerNeeds(workerOrigins))
  }
  for (const name of names) {
    if (isPage(name)) {
      const page = needsOf(read(name))
      pages.set(name, page)
      addNeeds(name, loadsOf(settings, page))
      page.scriptTexts.forEach((text) => addScript(name, text))
      page.styleTexts.forEach((text) => addNeeds(name, styleNeeds(text)))
    } else if (/\.m?js$/i.test(name)) addScript(name, read(name))
    else if (/\.css$/i.test(name)) addNeeds(name, styleNeeds(read(name)))
  }
  const hasBase = [...pages.values()].some((page) => page.hasBase)
  const directives = directivesOf(settings, { hasWasm, hasBase, loads: needs })
  // A browser with modules never loads them, and their polyfills are full of what a policy blocks.
  const oldPaths = [...pages].flatMap(([name, page]) => page.oldScripts.map((address) => pathOf(address, name)))
  // The site may have a base path, which its files' names lack.
  const isOld = (file) => oldPaths.some((path) => path === file || (file.includes('/') && path.endsWith(`/${file}`)))
  const current = needs.filter(([, , , file]) => !isOld(file))
  const notices = [...shareNeeds(pages), ...policyNotices(settings.profile, directives, current)]
  const [name, length] = longestPolicy(settings, directives, pages)
  if (length > MAX_POLICY_CHARACTERS) {
    notices.push(
      `The policy of ${name} has ${length} characters, because the page has so many inline scripts. ` +
        'A proxy in front may refuse such a header: an nginx needs proxy_buffer_size 16k',
    )
  }
  return { configuration: policyConfiguration(settings, directives, pages, features), notices }
}
