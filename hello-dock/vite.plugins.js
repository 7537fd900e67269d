import manifest from './package.json' with { type: 'json' }

/**
 * What this build is, as the page's meta tags tell it.
 *
 * @param {Record<string, string | undefined>} env SOURCE_DATE_EPOCH in seconds since 1970, REVISION a commit
 * @param {number} now milliseconds since 1970, for a build that was given no time
 * @returns {Record<string, string>} contents by meta name
 */
export function releaseOf(env, now) {
  const seconds = env.SOURCE_DATE_EPOCH
  if (seconds && !/^\d{1,12}$/.test(seconds)) {
    throw new Error(`SOURCE_DATE_EPOCH is "${seconds}": it takes whole seconds since 1970`)
  }
  return {
    'release-version': manifest.version,
    'release-commit': env.REVISION ?? '',
    'release-built': new Date(seconds ? Number(seconds) * 1000 : now).toISOString(),
  }
}

/** Puts the release into index.html, not into a chunk: a new commit then changes no hashed file. */
export function releaseMetas(env) {
  const metas = releaseOf(env, Date.now())
  return {
    name: 'release-metas',
    transformIndexHtml: () =>
      Object.entries(metas).map(([name, content]) => ({
        tag: 'meta',
        attrs: { name, content },
        injectTo: 'head',
      })),
  }
}

/** Answers the page's question whether the hot-reload socket is open; it may have opened before the page could listen. */
export function answerPings() {
  return {
    name: 'answer-pings',
    apply: 'serve',
    configureServer(server) {
      server.ws.on('hello-dock:ping', (_, client) => client.send('hello-dock:pong'))
    },
  }
}
