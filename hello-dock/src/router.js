import { createRouter, START_LOCATION } from 'vue-router'

/** Every page, in the navigation's order; each view is a chunk of its own. */
export const PAGES = [
  { path: '/', name: 'Serving', component: () => import('./views/ServingView.vue') },
  { path: '/image', name: 'The image', component: () => import('./views/ImageView.vue') },
  { path: '/tasks', name: 'The tasks', component: () => import('./views/TasksView.vue') },
]

const NOT_FOUND = {
  path: '/:path(.*)*',
  name: 'Page not found',
  component: () => import('./views/NotFoundView.vue'),
}

/**
 * @param {import('vue-router').RouterHistory} history
 * @param {(url: string) => void} reload loads a page from the server
 */
export function makeRouter(history, reload = (url) => window.location.assign(url)) {
  const router = createRouter({
    history,
    routes: [...PAGES, NOT_FOUND],
    scrollBehavior: (to, from, saved) => saved ?? { top: 0 },
  })
  router.afterEach((to, from, failure) => {
    if (!failure) document.title = `${to.name} · hello-dock`
  })
  // A chunk may be gone after a new release: the server's index.html names the new one. Never on the first page, which
  // would reload for ever.
  router.onError((error, to, from) => {
    if (from !== START_LOCATION) reload(to.fullPath)
  })
  return router
}
