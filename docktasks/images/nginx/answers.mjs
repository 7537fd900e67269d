// What answers each address: the files of a site, its pages, and the rules that it brings in _redirects and _headers.
import { basePathConfiguration } from './base-path.mjs'
import { headersConfiguration, parseHeaders } from './headers.mjs'
import { isolationOf } from './isolation.mjs'
import { answerOf, hasEntryPage, hasMpaType, isStart, noticeOf, pagesConfiguration } from './pages.mjs'
import { parseRedirects, SiteFileError, splitCatchAll } from './redirects.mjs'
import { redirectsConfiguration } from './redirects-configuration.mjs'
import { listed } from './texts.mjs'

const RULE_FILES = ['_redirects', '_headers']

// Hidden files, and what editors leave behind, as in serving/site.conf.
const NEVER_SERVED = /(?:^|\/)\.(?!well-known\/)|(?:~|#|\.(?:bak|old|orig|rej|save|sw[k-p]|tmp))$/i

// The names that are no files of the site, and what to tell the user: { leftOut, notices }.
export function withoutOwnFiles(names) {
  const leftOut = names.filter((name) => RULE_FILES.includes(name) || NEVER_SERVED.test(name))
  const unexpected = leftOut.filter(
    (name) => !RULE_FILES.includes(name) && !/(?:^|\/)\.(?:nojekyll|gitkeep|vite\/|DS_Store)/.test(name),
  )
  const reason = 'because hidden files and those that editors leave behind are never served'
  return { leftOut, notices: unexpected.length ? [`Left out, ${reason}: ${listed(unexpected, 5)}`] : [] }
}

// Returns { refusal } or { notices, configuration, adapt }. `configuration` has the text of each file by its path below
// /etc/nginx, and `adapt` changes the text of our own configuration.
//     files         the names of the site
//     read          gives the content of a file that the build wrote, or undefined
//     fallback      the setting prod.fallback
//     sourceNames   the names in the app's folder; `viteConfig` is the text of vite's configuration
//     base          the site's base path without its last slash
export function answersOf({ files, read, fallback, sourceNames, viteConfig, base = '' }) {
  try {
    const parsed = parseRedirects(textOf(read('_redirects')), files)
    const redirects = { ...parsed, ...splitCatchAll(parsed.rules) }
    const hasEntry = hasEntryPage(sourceNames, viteConfig)
    const answer = answerOf({
      files,
      fallback,
      catchAll: redirects.catchAll,
      startsApp: files.has('404.html') && files.has('index.html') && isStart(read('404.html'), read('index.html'), hasEntry),
      isMpa: hasMpaType(viteConfig),
      hasEntry,
    })
    if (answer.refusal) return answer
    const headers = parseHeaders(textOf(read('_headers')))
    const isolation = isolationOf(viteConfig, headers.rules)
    const rules = [...isolation.rules, ...headers.rules]
    const { adapt, files: headerFiles } = headersConfiguration({ ...headers, rules }, base)
    const notices = [noticeOf(answer), parsed.notices, redirects.notices ?? [], headers.notices, isolation.notices]
    return {
      adapt,
      notices: notices.flat().filter(Boolean),
      configuration: () => ({
        'site/pages.conf': pagesConfiguration(answer, files),
        ...(base && basePathConfiguration(base)),
        ...(redirects.rules.length && redirectsConfiguration(redirects.rules, base)),
        ...headerFiles(),
      }),
    }
  } catch (error) {
    if (error instanceof SiteFileError) return { refusal: error.refusal }
    throw error
  }
}

const textOf = (content) => content?.toString().replace(/^\uFEFF/, '') ?? ''
