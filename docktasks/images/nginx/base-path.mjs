// The base path of an app, below which it names its files: /shop/assets/… is the file assets/…. The site is served there
// and at /, because a proxy in front may remove the base. https://vite.dev/guide/build#public-base-path
import { escaped, map, quoted } from './nginx-text.mjs'

// The base path without its last slash, by the addresses from which a page loads files of these names; empty for /.
export function basePathOf(page, names) {
  const loads = page.matchAll(/<(?:script|link)\s[^>]*?(?:src|href)=["']?(\/(?!\/)[^"'\s>?#%]*)/g)
  const urls = [...loads].map(([, url]) => url)
  const bases = urls.flatMap((url) =>
    names.filter((name) => url.endsWith(`/${name}`)).map((name) => url.slice(0, -name.length - 1)),
  )
  return bases.sort((one, other) => one.length - other.length)[0] ?? ''
}

// Returns the text of each file, by its path below /etc/nginx.
export const basePathConfiguration = (base) => ({
  'base/base.conf': `rewrite "^${escaped(base)}/(?<below_base>.*)$" /$below_base last;\n`,
  'site/base.conf': map('""', '$health_base', [['default', quoted(`The base path is ${base}/.\n`)]]),
})
