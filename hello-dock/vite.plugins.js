import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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
    [seconds ? 'release-committed' : 'release-built']: new Date(seconds ? Number(seconds) * 1000 : now).toISOString(),
  }
}

/**
 * A short digest of everything that the build wrote. Two builds of one commit with local changes differ in nothing else.
 *
 * @param {Record<string, { code?: string, source?: string | Uint8Array }>} bundle the built files by name
 * @param {string} publicDir the folder of the files that are copied as they are, or an empty text
 * @param {string} html the page
 */
export function digestOf(bundle, publicDir, html) {
  const digest = createHash('sha256').update(html)
  for (const [name, file] of Object.entries(bundle).sort(([one], [other]) => (one < other ? -1 : 1))) {
    digest.update(`\0${name}\0`).update(file.code ?? file.source ?? '')
  }
  const copied = publicDir ? readdirSync(publicDir, { recursive: true, withFileTypes: true }) : []
  const paths = copied.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const path of paths.sort()) digest.update(`\0${path.slice(publicDir.length)}\0`).update(readFileSync(path))
  return digest.digest('hex').slice(0, 12)
}

/** Puts the release into index.html, not into a chunk: a new commit then changes no hashed file. */
export function releaseMetas(env) {
  const metas = releaseOf(env, Date.now())
  let publicDir = ''
  return {
    name: 'release-metas',
    configResolved: (config) => {
      publicDir = config.publicDir
    },
    transformIndexHtml: {
      order: 'post', // when the built files have their names
      handler: (html, { bundle } = {}) =>
        Object.entries(bundle ? { ...metas, 'release-files': digestOf(bundle, publicDir, html) } : metas).map(
          ([name, content]) => ({ tag: 'meta', attrs: { name, content }, injectTo: 'head' }),
        ),
    },
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
