// Own fonts, pictures and icons of the page that the browser cannot read, as `address: what is wrong`.
async () => {
  const lazy = [...document.querySelectorAll('img[loading=lazy]')]
  for (const e of lazy) e.loading = 'eager' // nobody scrolls here
  const isOwn = (address) => URL.parse(address, document.baseURI)?.origin === location.origin
  const path = (address) => new URL(address, document.baseURI).pathname
  const sheets = [...document.styleSheets].filter((sheet) => !sheet.href || isOwn(sheet.href))
  const rules = sheets.flatMap((sheet) => [...sheet.cssRules].map((rule) => [rule, sheet.href ?? document.baseURI]))
  const fonts = rules.filter(([rule]) => rule instanceof CSSFontFaceRule).map(([{ style }, base]) => {
    const [, address = ''] = /url\(["']?([^"')]+)/.exec(style.getPropertyValue('src')) ?? []
    return [style.getPropertyValue('font-family').replace(/["']/g, ''), URL.parse(address, base)?.href ?? '']
  })
  const own = new Map(fonts.filter(([, address]) => address && isOwn(address)))
  const faces = [...document.fonts].filter(({ family }) => own.has(family.replace(/["']/g, '')))
  const limit = new Promise((resolve) => setTimeout(resolve, 2000))
  await Promise.race([Promise.allSettled([...faces.map((face) => face.load()), ...lazy.map((e) => e.decode())]), limit])
  const bad = faces.filter(({ status }) => status === 'error')
    .map(({ family }) => `${path(own.get(family.replace(/["']/g, '')))}: the browser cannot read this font`)
  const icons = [...document.querySelectorAll('link[rel~="icon"], link[rel~="apple-touch-icon"]')].filter((e) => isOwn(e.href))
  const load = (address) => new Promise((resolve) => {
    const image = new Image()
    image.onload = () => resolve(true)
    image.onerror = () => resolve(false)
    image.src = address
  })
  for (const { href } of icons) {
    if (await Promise.race([load(href), limit.then(() => true)]) === false) bad.push(`${path(href)}: the browser cannot read this icon`)
  }
  const broken = [...document.images].filter((e) => e.currentSrc && isOwn(e.currentSrc) && e.complete && !e.naturalWidth)
  for (const { currentSrc } of broken) {
    if (!await load(currentSrc)) bad.push(`${path(currentSrc)}: the browser cannot read this picture`)
  }
  return bad
}
