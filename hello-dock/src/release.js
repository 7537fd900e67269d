/** Injection key of the release. */
export const RELEASE = Symbol('release')

const FULL_COMMIT = /^([0-9a-f]{12})[0-9a-f]{28,}/

/**
 * Reads what vite.config.js left in the page's meta tags.
 *
 * @param {Document} page
 * @returns {{ version: string, commit: string, committed: string, built: string, files: string }} committed is the time
 *   of the commit, or built that of a build without one (ISO 8601); files is a digest of all that was built
 */
export function readRelease(page) {
  const content = (name) => page.querySelector(`meta[name="release-${name}"]`)?.content ?? ''
  const names = ['version', 'commit', 'committed', 'built', 'files']
  return Object.fromEntries(names.map((name) => [name, content(name)]))
}

/** Shortens a full commit hash and keeps what follows it, such as "-dirty". */
export function shortCommit(commit) {
  return commit ? commit.replace(FULL_COMMIT, '$1') : 'unknown commit'
}

/**
 * @param {string} iso ISO 8601
 * @returns {string} day and minute in UTC, the same for every reader
 */
export function formatTime(iso) {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return 'unknown time'
  const format = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(time)} UTC`
}
