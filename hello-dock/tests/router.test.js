import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ref } from 'vue'
import { createMemoryHistory } from 'vue-router'
import App from '../src/App.vue'
import { HOT_RELOAD } from '../src/hot.js'
import { RELEASE } from '../src/release.js'
import { makeRouter } from '../src/router.js'

let app
let router
let reload

beforeEach(() => {
  vi.stubGlobal('scrollTo', () => {})
  reload = vi.fn()
  router = makeRouter(createMemoryHistory(), reload)
})

afterEach(() => {
  app?.unmount()
  vi.unstubAllGlobals()
})

async function open(path) {
  await router.push(path)
  app = mount(App, {
    attachTo: document.body,
    global: {
      plugins: [router],
      provide: { [RELEASE]: { version: '1.0.0', commit: 'abc1234', built: '' }, [HOT_RELOAD]: ref('none') },
    },
  })
  await flushPromises()
}

it.each([
  ['/image', 'The image · hello-dock', 'Built in one image, served from another'],
  ['/tasks', 'The tasks · hello-dock', 'One word for each step'],
  ['/no/such/page', 'Page not found · hello-dock', 'Nothing is moored here'],
])('opens %s as a deep link', async (path, title, heading) => {
  await open(path)
  expect(document.title).toBe(title)
  expect(app.get('main h1').text()).toBe(heading)
})

it('marks the page one is on', async () => {
  await open('/tasks')
  expect(app.findAll('[aria-current=page]').map((link) => link.text())).toEqual(['The tasks'])
})

it('offers the way home from a page that is not there', async () => {
  await open('/no/such/page')
  expect(app.get('main a').attributes('href')).toBe('/')
})

it('moves the focus to the new heading, but not on the first page', async () => {
  await open('/image')
  expect(document.activeElement).toBe(document.body)
  await router.push('/tasks')
  await flushPromises()
  expect(document.activeElement).toBe(app.get('main h1').element)
})

it('skips to the content', async () => {
  await open('/image')
  await app.get('a.skip').trigger('click')
  expect(document.activeElement).toBe(app.get('main').element)
})

it('reloads a page when its chunk has gone, but never the first page', async () => {
  const gone = () => Promise.reject(new Error('Failed to fetch dynamically imported module'))
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  router.addRoute({ path: '/gone', component: gone })
  await expect(router.push('/gone')).rejects.toThrow()
  expect(reload).not.toHaveBeenCalled()
  await router.push('/image')
  await expect(router.push('/gone?a=1')).rejects.toThrow()
  expect(reload).toHaveBeenCalledWith('/gone?a=1')
  warn.mockRestore()
})
