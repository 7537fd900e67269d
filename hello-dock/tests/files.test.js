import { flushPromises } from '@vue/test-utils'
import { expect, it, vi } from 'vitest'
import { FIRST_VIEW, watchFiles } from '../src/files.js'

const ORIGIN = 'http://127.0.0.1:8080'
const entry = (path, startTime = 1, initiatorType = 'script') => ({
  entryType: 'resource', initiatorType, name: ORIGIN + path, startTime, encodedBodySize: 50, decodedBodySize: 90,
})

/** A browser whose clock and server the test holds; `load` reports files as loaded. */
function browser(fetch) {
  const seen = { marks: [] }
  const files = watchFiles({
    origin: ORIGIN,
    fetch,
    performance: {
      getEntriesByType: () => [{ ...entry('/image', 0, 'navigation'), entryType: 'navigation' }],
      getEntriesByName: (name) => seen.marks.filter((mark) => mark.name === name),
    },
    Observer: class {
      constructor(callback) {
        seen.load = (...entries) => callback({ getEntries: () => entries })
      }

      observe(options) {
        seen.options = options
      }
    },
  })
  return { files, seen }
}

const answer = (headers) => vi.fn(async () => ({ headers: new Headers(headers) }))

it('lists the document, what loaded before it looked, and what loads later', async () => {
  const { files, seen } = browser(answer({}))
  expect(seen.options).toEqual({ type: 'resource', buffered: true })
  seen.marks.push({ name: FIRST_VIEW, startTime: 5 })
  seen.load(entry('/a.js'), entry('/late.js', 9))
  expect(files.value.map((file) => [file.path, file.type, file.first])).toEqual([
    ['/image', 'document', true],
    ['/a.js', 'script', true],
    ['/late.js', 'script', false],
  ])
})

it('asks for the headers of each file once, past the cache', async () => {
  const fetch = answer({ 'content-length': '40', 'content-encoding': 'gzip', 'cache-control': 'no-cache' })
  const { files, seen } = browser(fetch)
  seen.load(entry('/a.js'), entry('/a.js'), entry('/a.js', 7, 'fetch'))
  await flushPromises()
  expect(fetch.mock.calls.map(([url]) => url)).toEqual([`${ORIGIN}/image`, `${ORIGIN}/a.js`])
  expect(fetch.mock.calls[1][1]).toEqual({ method: 'HEAD', cache: 'no-store' })
  expect(files.value[1]).toMatchObject({ wire: 40, decoded: 90, encoding: 'gzip', cacheControl: 'no-cache' })
})

it('keeps what was measured when the server has gone', async () => {
  const { files, seen } = browser(vi.fn(async () => { throw new TypeError('Failed to fetch') }))
  seen.load(entry('/a.js'))
  await flushPromises()
  expect(files.value[1]).toMatchObject({ wire: 50, encoding: null, policy: null })
})
