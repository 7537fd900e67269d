import { readFileSync } from 'node:fs'
import { mount } from '@vue/test-utils'
import { describe, expect, it } from 'vitest'
import RunConfiguration from '../src/components/RunConfiguration.vue'
import { CONFIGURE, readEnv } from '../src/env.js'

const AWKWARD = {
  QUOTES: `"double", 'single', \`back\``,
  LINES: 'one\ntwo\r\n\u2028three',
  MARKUP: '</script><img src=x onerror="document.title = 1"><!-- {{ 1 + 1 }}',
  'a "name"\n</script>': 'named so',
  EMPTY: '',
  LONG: 'x'.repeat(50_000),
}

/** What a script leaves in `globalThis.env`, without touching this one's. */
function run(script) {
  const scope = {}
  new Function('globalThis', script)(scope)
  return scope.env
}

describe('readEnv', () => {
  it('reads names and values, whatever they hold, in their order', () => {
    const env = run(`globalThis.env = Object.freeze(${JSON.stringify(AWKWARD)});`)
    expect(readEnv(env)).toEqual(Object.entries(AWKWARD).map(([name, text]) => ({ name, text })))
  })

  it.each([[undefined], [null], ['API_URL=x'], [5], [true], [() => {}], [['a']], [{}], [Object.create(null)]])(
    'reads nothing from %o',
    (env) => expect(readEnv(env)).toEqual([]),
  )

  const circle = Object.create(null)
  circle.self = circle

  it.each([
    [5, '5'],
    [false, 'false'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ a: [1] }, '{"a":[1]}'],
    [Symbol('s'), 'Symbol(s)'],
    [5n, '[object BigInt]'],
    [circle, '[object Object]'],
  ])('shows the value %o, which is no text, as text', (value, text) => {
    expect(readEnv({ NAME: value })).toEqual([{ name: 'NAME', text }])
  })
})

describe("the app's own env.js", () => {
  it('configures nothing, and cannot be changed by a script', () => {
    const env = run(readFileSync('public/env.js', 'utf8'))
    expect(readEnv(env)).toEqual([])
    expect(Object.isFrozen(env)).toBe(true)
  })

  // Nothing waits to be drawn for a deferred script. A module is deferred, too, and these run in the page's order.
  it('is deferred, and runs before the app, which reads it as it starts', () => {
    const page = new DOMParser().parseFromString(readFileSync('index.html', 'utf8'), 'text/html')
    const scripts = [...page.querySelectorAll('script')].map((script) => [script.getAttribute('src'), script.type])
    expect(scripts).toEqual([['/env.js', ''], ['/src/main.js', 'module']])
    expect(page.querySelector('script').defer).toBe(true)
  })
})

describe('RunConfiguration', () => {
  const show = (env, development = false) => mount(RunConfiguration, { props: { development, env: readEnv(env) } })

  it('shows each name and value as text, never as markup', () => {
    const card = show(AWKWARD)
    const rows = card.findAll('.values > div')
    const cells = rows.map((row) => [row.get('dt').element.textContent, row.get('dd').element.textContent])
    expect(cells).toEqual(Object.entries({ ...AWKWARD, EMPTY: 'empty' }))
    expect(card.find('script, img').exists()).toBe(false)
    expect(card.get('.value').text()).toBe('6 values')
    expect(card.text()).not.toContain('invoke')
  })

  it('counts one value as one, and links to the file they came from', () => {
    const card = show({ API_URL: 'https://api.example.com' })
    expect(card.get('.value').text()).toBe('1 value')
    expect(card.get('a').attributes('href')).toBe('/env.js')
  })

  it.each([true, false])('names the command where nothing was configured, development: %s', (development) => {
    const card = show(undefined, development)
    expect(card.get('.value').text()).toBe('Nothing')
    expect(card.text()).toContain(CONFIGURE)
    expect(card.text().includes('public/env.js')).toBe(development)
    expect(card.find('dl').exists()).toBe(false)
  })
})
