/** Injection key of what the page was configured with at run time. */
export const ENV = Symbol('env')

/** The command that configures the page, as an example that works as it is. */
export const CONFIGURE = 'invoke run-prod --env API_URL=https://api.example.com'

function textOf(value) {
  if (typeof value === 'string') return value
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A bigint, or an object that holds itself.
    return Object.prototype.toString.call(value)
  }
}

/**
 * Reads what /env.js left. That file comes from outside the build: it may be missing, or hold anything.
 *
 * @param {unknown} env `globalThis.env`
 * @returns {{ name: string, text: string }[]} in the order in which they were given
 */
export function readEnv(env) {
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return []
  return Object.entries(env).map(([name, value]) => ({ name, text: textOf(value) }))
}
