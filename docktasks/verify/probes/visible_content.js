// Content that a person sees: text, a picture or a field that has a size, also in shadow roots. An element of the app's own
// that has a size and no children may have a closed shadow root. False while there is none.
() => {
  if (!document.body || document.readyState === 'loading') return false
  const inside = (root) => [...root.querySelectorAll('*')].flatMap(
    (e) => [e, ...(e.shadowRoot ? inside(e.shadowRoot) : [])])
  const elements = inside(document.body).filter((e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  const hosts = [document.body, ...elements.flatMap((e) => e.shadowRoot ? [...e.shadowRoot.children] : [])]
  const title = document.title || (document.contentType === 'text/html' ? '' : document.contentType) // a feed has none
  const text = hosts.map((e) => e.innerText?.trim()).filter(Boolean).join('\n')
  const isText = [document.body, ...elements].some((e) => [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim()))
  const shown = 'img, svg, canvas, video, audio[controls], iframe, object, embed, input, textarea, select, progress, meter'
  const pictures = elements.filter((e) => e.matches(shown)
    || (e.localName.includes('-') && !e.shadowRoot && !e.childElementCount && e.getBoundingClientRect().height))
  return (text && isText) || pictures.some((e) => e.getBoundingClientRect().width) ? { title } : false
}
