// The digests by which a browser refuses a script or a style that has changed on its way:
//     https://developer.mozilla.org/docs/Web/Security/Subresource_Integrity
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { elementsOf } from './html.mjs'

const digestOf = (content) => `sha384-${createHash('sha384').update(content).digest('base64')}`

// The address of the script or style that an element loads.
function addressOf({ name, attributes }) {
  if (name === 'script') return attributes.get('src')
  const rels = name === 'link' ? (attributes.get('rel') ?? '').toLowerCase().split(/\s+/) : []
  const isPreload = rels.includes('preload') && ['script', 'style'].includes(attributes.get('as')?.toLowerCase())
  return isPreload || rels.includes('stylesheet') || rels.includes('modulepreload') ? attributes.get('href') : undefined
}

// The file of the site that an address of a page names. The site may be served below a base path, as /shop/assets/….
function fileOf(address, page, names) {
  if (/^(?:[a-z][a-z0-9+.-]*:|[\\/]{2})/i.test(address.trim())) return undefined
  const { pathname } = new URL(address, `http://page.invalid/${page}`)
  const path = posix.normalize(decodeURIComponent(pathname)).slice(1)
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(index).join('/')).find((name) => names.has(name))
}

// The page with the digest of each file of the site that its HTML loads. `read` gives the content of a file. /env.js
// has none, because each container may have another.
export function withIntegrity(html, page, names, read) {
  const elements = elementsOf(html)
  if (elements.some(({ name, attributes }) => name === 'base' && attributes.has('href'))) return html
  let text = ''
  let position = 0
  for (const { name, attributes, nameEnd } of elements) {
    const address = attributes.has('integrity') ? undefined : addressOf({ name, attributes })
    const file = address ? fileOf(address, page, names) : undefined
    if (!file || file === 'env.js') continue
    text += `${html.slice(position, nameEnd)} integrity="${digestOf(read(file))}"`
    position = nameEnd
  }
  return text + html.slice(position)
}
