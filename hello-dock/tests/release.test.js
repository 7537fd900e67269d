import { describe, expect, it } from 'vitest'
import { formatTime, readRelease, shortCommit } from '../src/release.js'
import { releaseMetas, releaseOf } from '../vite.plugins.js'
import manifest from '../package.json'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'

describe('the build', () => {
  it('takes its time from SOURCE_DATE_EPOCH, not from the clock', () => {
    expect(releaseOf({ SOURCE_DATE_EPOCH: '1795000000', REVISION: COMMIT }, 5)).toEqual({
      'release-version': manifest.version,
      'release-commit': COMMIT,
      'release-built': '2026-11-18T11:06:40.000Z',
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
    for (const { tag, attrs } of releaseMetas({ SOURCE_DATE_EPOCH: '0', REVISION: 'abc-dirty' }).transformIndexHtml()) {
      page.head.append(Object.assign(page.createElement(tag), attrs))
    }
    expect(readRelease(page)).toEqual({ version: manifest.version, commit: 'abc-dirty', built: '1970-01-01T00:00:00.000Z' })
  })
})

describe('the page', () => {
  it('reads nothing where no meta is', () => {
    expect(readRelease(document.implementation.createHTMLDocument())).toEqual({ version: '', commit: '', built: '' })
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
