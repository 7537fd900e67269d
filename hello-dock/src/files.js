import { computed, shallowReactive } from 'vue'
import { fileOf, isServed, withHeaders } from './serving.js'

/** Name of the performance mark set when the first view is on the screen. */
export const FIRST_VIEW = 'first-view'

/**
 * Follows the files that the page is served with: those that are there, and those that come later.
 *
 * @param {{ performance: Performance, Observer: typeof PerformanceObserver, fetch: typeof fetch, origin: string }} browser
 * @returns {import('vue').ComputedRef<object[]>} files as serving.js describes them, in the order they were asked for
 */
export function watchFiles({ performance, Observer, fetch, origin }) {
  const files = shallowReactive(new Map())

  async function addHeaders(url) {
    try {
      const answer = await fetch(url, { method: 'HEAD', cache: 'no-store' })
      files.set(url, withHeaders(files.get(url), answer.headers))
    } catch {
      // The server went away: the row keeps what the browser measured.
    }
  }

  function add(entries) {
    const firstViewAt = performance.getEntriesByName(FIRST_VIEW)[0]?.startTime ?? Infinity
    for (const entry of entries) {
      if (!isServed(entry, origin)) continue
      const file = fileOf(entry, firstViewAt)
      if (files.has(file.url)) continue
      files.set(file.url, file)
      addHeaders(file.url)
    }
  }

  add(performance.getEntriesByType('navigation'))
  new Observer((list) => add(list.getEntries())).observe({ type: 'resource', buffered: true })
  return computed(() => [...files.values()])
}

let followed

/** The page's one list of files; kept when the view goes, so that coming back asks the server nothing again. */
export function useFiles() {
  followed ??= watchFiles({
    performance,
    Observer: PerformanceObserver,
    fetch: (...request) => fetch(...request),
    origin: location.origin,
  })
  return followed
}
