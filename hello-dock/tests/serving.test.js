import { describe, expect, it } from 'vitest'
import { cachePolicy, encodingOf, fileOf, formatBytes, formatSpan, isServed, totals, typeOf, withHeaders } from '../src/serving.js'

const ORIGIN = 'http://127.0.0.1:8080'
const entry = (path, more = {}) => ({
  entryType: 'resource',
  initiatorType: 'script',
  name: ORIGIN + path,
  startTime: 10,
  encodedBodySize: 100,
  decodedBodySize: 300,
  ...more,
})

describe('formatBytes', () => {
  it.each([
    [null, '–'],
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [29_250, '29.3 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [2_000_000_000, '2.0 GB'],
    [5_000_000_000_000, '5000.0 GB'],
  ])('shows %s as %s', (bytes, shown) => expect(formatBytes(bytes)).toBe(shown.replace(' ', '\u00a0')))
})

describe('formatSpan', () => {
  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [90, '1 minute'],
    [7_200, '2 hours'],
    [86_400, '1 day'],
    [31_536_000, '1 year'],
  ])('shows %i seconds as %s', (seconds, shown) => expect(formatSpan(seconds)).toBe(shown))
})

describe('typeOf', () => {
  it.each([
    ['/assets/index-1.js', 'script'],
    ['/src/App.vue', 'script'],
    ['/src/App.vue?vue&type=style&index=0&lang.css', 'style'],
    ['/@vite/client', 'script'],
    ['/assets/index-1.css', 'style'],
    ['/favicon.svg', 'image'],
    ['/a.woff2', 'font'],
    ['/a.json', 'data'],
  ])('takes %s for a %s', (path, type) => expect(typeOf(entry(path))).toBe(type))

  it('takes the navigation for the document, whatever its path', () => {
    expect(typeOf(entry('/image', { entryType: 'navigation' }))).toBe('document')
  })

  it('admits that it does not know', () => {
    expect(typeOf(entry('/thing', { initiatorType: 'other' }))).toBe('other')
  })
})

describe('encodingOf', () => {
  it.each([
    ['br', 'br'],
    [' GZIP ', 'gzip'],
    ['identity', 'none'],
    ['', 'none'],
    [null, 'none'],
  ])('reads %j as %s', (header, coding) => expect(encodingOf(header)).toBe(coding))
})

describe('cachePolicy', () => {
  it.each([
    ['public, max-age=31536000, immutable', 'fixed', 'kept 1 year, never asked again'],
    ['max-age=3600', 'kept', 'kept 1 hour'],
    ['Max-Age="60"', 'kept', 'kept 1 minute'],
    ['no-cache', 'asked', 'asked again each time'],
    ['max-age=0, must-revalidate', 'asked', 'asked again each time'],
    ['no-cache, max-age=600', 'asked', 'asked again each time'],
    ['max-age=600, no-store', 'never', 'never kept'],
    ['s-maxage=600', 'guessed', 'left to the browser'],
    ['', 'guessed', 'left to the browser'],
    [null, 'guessed', 'left to the browser'],
  ])('understands %j', (header, kind, text) => expect(cachePolicy(header)).toEqual({ kind, text }))
})

describe('isServed', () => {
  it('leaves out what the page asks for itself, and other servers', () => {
    expect(isServed(entry('/a.js'), ORIGIN)).toBe(true)
    expect(isServed(entry('/a.js', { initiatorType: 'fetch' }), ORIGIN)).toBe(false)
    expect(isServed(entry('/a.js', { name: `${ORIGIN}0/a.js` }), ORIGIN)).toBe(false)
    expect(isServed(entry('/a.js', { name: 'data:,x' }), ORIGIN)).toBe(false)
  })
})

describe('fileOf', () => {
  it('tells first from later by the moment the first view was there', () => {
    expect(fileOf(entry('/a.js', { startTime: 20 }), 20).first).toBe(true)
    expect(fileOf(entry('/a.js', { startTime: 21 }), 20).first).toBe(false)
  })

  it('never counts the icon, which browsers fetch when they please', () => {
    expect(fileOf(entry('/favicon.svg', { initiatorType: 'other' }), 20).first).toBe(false)
    expect(fileOf(entry('/picture.svg', { initiatorType: 'img' }), 20).first).toBe(true)
  })

  it('keeps the query and drops the fragment, which is never sent', () => {
    expect(fileOf(entry('/a.js?v=1#x'), 20)).toMatchObject({ path: '/a.js?v=1', url: `${ORIGIN}/a.js?v=1` })
  })

  it('takes a size of nothing for unknown', () => {
    const file = fileOf(entry('/a.js', { encodedBodySize: 0, decodedBodySize: 0 }), 20)
    expect(file).toMatchObject({ wire: null, decoded: null })
  })
})

describe('withHeaders', () => {
  it('believes Content-Length over what the browser measured', () => {
    const file = withHeaders(fileOf(entry('/a.js'), 20), new Headers({ 'content-length': '90', 'content-encoding': 'br' }))
    expect(file).toMatchObject({ wire: 90, decoded: 300, encoding: 'br' })
  })

  it('keeps the measured size where the server states none', () => {
    expect(withHeaders(fileOf(entry('/a.js'), 20), new Headers()).wire).toBe(100)
  })

  it('knows the decoded size of what is not encoded, and of nothing else', () => {
    const unmeasured = fileOf(entry('/a.js', { decodedBodySize: 0 }), 20)
    expect(withHeaders(unmeasured, new Headers({ 'content-length': '90' })).decoded).toBe(90)
    expect(withHeaders(unmeasured, new Headers({ 'content-length': '90', 'content-encoding': 'br' })).decoded).toBeNull()
  })
})

describe('totals', () => {
  it('sums only the first load, types by size', () => {
    const files = [
      fileOf(entry('/a.css', { encodedBodySize: 10, decodedBodySize: 20 }), 20),
      fileOf(entry('/a.js'), 20),
      fileOf(entry('/b.js'), 20),
      fileOf(entry('/late.js', { startTime: 30 }), 20),
    ]
    expect(totals(files)).toEqual({
      count: 3,
      wire: 210,
      decoded: 620,
      ratio: 620 / 210,
      types: [
        { type: 'script', count: 2, wire: 200, decoded: 600 },
        { type: 'style', count: 1, wire: 10, decoded: 20 },
      ],
    })
  })

  it('has no ratio of nothing', () => expect(totals([]).ratio).toBeNull())
})
