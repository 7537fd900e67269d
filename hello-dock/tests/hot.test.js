import { mount } from '@vue/test-utils'
import { nextTick } from 'vue'
import { expect, it, vi } from 'vitest'
import StatusCards from '../src/components/StatusCards.vue'
import { watchHotReload } from '../src/hot.js'
import { answerPings } from '../vite.plugins.js'

const release = { version: '1.0.0', commit: '', built: '2026-11-18T11:06:40.000Z' }

function fakeHot() {
  const listeners = {}
  return { on: (event, heard) => (listeners[event] = heard), send: vi.fn(), hear: (event) => listeners[event]() }
}

const cards = (development, state) => mount(StatusCards, { props: { development, release, hotReload: state.value } })

it('says that a production build has no hot reload', () => {
  const text = cards(false, watchHotReload(undefined)).text()
  expect(text).toContain('Production')
  expect(text).toContain('nothing to listen for')
})

it('asks the server, and follows the socket as it comes and goes', async () => {
  const hot = fakeHot()
  const state = watchHotReload(hot)
  const shown = cards(true, state)
  const says = async () => {
    await shown.setProps({ hotReload: state.value })
    await nextTick()
    return shown.get('[role=status]').text()
  }
  expect(hot.send).toHaveBeenCalledWith('hello-dock:ping')
  expect(await says()).toBe('Connecting')
  hot.hear('hello-dock:pong')
  expect(await says()).toBe('Connected')
  hot.hear('vite:ws:disconnect')
  expect(await says()).toBe('Disconnected')
  hot.hear('vite:ws:connect')
  expect(await says()).toBe('Connected')
})

it('is answered by the development server with the word it waits for', () => {
  const client = { send: vi.fn() }
  answerPings().configureServer({ ws: { on: (event, answer) => event === 'hello-dock:ping' && answer(null, client) } })
  expect(client.send).toHaveBeenCalledWith('hello-dock:pong')
})
