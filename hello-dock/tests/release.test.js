import { describe, expect, it } from 'vitest'
import { formatTime, readRelease, shortCommit } from '../src/release.js'
import { digestOf, releaseMetas, releaseOf } from '../vite.plugins.js'
import manifest from '../package.json'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

describe('the build', () => {
  it('takes the time of the commit from SOURCE_DATE_EPOCH, not from the clock', () => {
    expect(releaseOf({ SOURCE_DATE_EPOCH: '1795000000', REVISION: COMMIT }, 5)).toEqual({
      'release-version': manifest.version,
      'release-commit': COMMIT,
      'release-committed': '2026-11-18T11:06:40.000Z',
    })
  })

  it('falls back to the clock, and to no commit', () => {
    expect(releaseOf({ SOURCE_DATE_EPOCH: '' }, 0)).toMatchObject({
      'release-commit': '',
      'release-built': '1970-01-01T00:00:00.000Z',
    })
  })

  it('refuses a time that is none', () => {
    expect(() => releaseOf({ SOURCE_DATE_EPOCH: 'yesterday' }, 0)).toThrow('SOURCE_DATE_EPOCH is "yesterday"')
  })

  it('says what the page then reads', () => {
    const page = document.implementation.createHTMLDocument()
    const plugin = releaseMetas({ SOURCE_DATE_EPOCH: '0', REVISION: 'abc-dirty' })
    for (const { tag, attrs } of plugin.transformIndexHtml.handler('<html>', { bundle: {} })) {
      page.head.append(Object.assign(page.createElement(tag), attrs))
    }
    expect(readRelease(page)).toEqual({
      version: manifest.version,
      commit: 'abc-dirty',
      committed: '1970-01-01T00:00:00.000Z',
      built: '',
      files: digestOf({}, '', '<html>'),
    })
  })

  it('tells builds of one commit apart by all that was built', () => {
    const page = '<script src="a.js">'
    const digests = [
      digestOf({ 'a.js': { code: '1' } }, '', page),
      digestOf({ 'a.js': { code: '2' } }, '', page),
      digestOf({ 'b.js': { code: '1' } }, '', page),
      digestOf({ 'a.js': { code: '1' }, 'x.png': { source: new Uint8Array([1]) } }, '', page),
      digestOf({ 'a.js': { code: '1' } }, '', `${page} `),
      digestOf({ 'a.js': { code: '1' } }, 'public', page),
    ]
    expect(new Set(digests).size).toBe(digests.length)
    expect(digestOf({ b: { code: '' }, a: { code: '' } }, '', page)).toBe(digestOf({ a: { code: '' }, b: { code: '' } }, '', page))
  })

  it('has no digest in development, where nothing is built', () => {
    const names = releaseMetas({}).transformIndexHtml.handler('<html>', {}).map(({ attrs }) => attrs.name)
    expect(names).toEqual(['release-version', 'release-commit', 'release-built'])
  })
})

describe('the page', () => {
  it('reads nothing where no meta is', () => {
    expect(readRelease(document.implementation.createHTMLDocument())).toEqual({ version: '', commit: '', committed: '', built: '', files: '' })
  })

  it.each([
    [COMMIT, '0123456789ab'],
    [`${COMMIT}-dirty`, '0123456789ab-dirty'],
    ['abc1234', 'abc1234'],
    ['', 'unknown commit'],
  ])('shortens %j to %s', (commit, shown) => expect(shortCommit(commit)).toBe(shown))

  it('shows times in UTC', () => {
    expect(formatTime('2026-11-18T11:06:40.000Z')).toBe('18 Nov 2026, 11:06 UTC')
    expect(formatTime('')).toBe('unknown time')
  })
})
