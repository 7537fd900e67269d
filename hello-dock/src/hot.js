import { readonly, ref } from 'vue'

/** Injection key of the hot-reload state. */
export const HOT_RELOAD = Symbol('hot reload')

/**
 * Follows the socket over which the development server sends edits.
 *
 * @param {object | undefined} hot `import.meta.hot`, which a production build does not have
 * @returns {import('vue').Ref<'none' | 'connecting' | 'connected' | 'disconnected'>}
 */
export function watchHotReload(hot) {
  const state = ref(hot ? 'connecting' : 'none')
  if (hot) {
    const becomes = (value) => () => {
      state.value = value
    }
    hot.on('vite:ws:connect', becomes('connected'))
    hot.on('vite:ws:disconnect', becomes('disconnected'))
    // The socket usually opens before this module runs, so its state has to be asked for.
    hot.on('hello-dock:pong', becomes('connected'))
    hot.send('hello-dock:ping')
  }
  return readonly(state)
}
