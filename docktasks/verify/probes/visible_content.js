// Content that a person sees: text, or a picture that has a size, also in shadow roots. False while there is none.
() => {
  if (!document.body || document.readyState === 'loading') return false
  const inside = (root) => [...root.querySelectorAll('*')].flatMap(
    (e) => [e, ...(e.shadowRoot ? inside(e.shadowRoot) : [])])
  const elements = inside(document.body).filter((e) => e.checkVisibility())
  const hosts = [document.body, ...elements.flatMap((e) => e.shadowRoot ? [...e.shadowRoot.children] : [])]
  const text = hosts.map((e) => e.innerText?.trim()).filter(Boolean).join('\n')
  const pictures = elements.filter((e) => e.matches('img, svg, canvas, video, iframe'))
  return text || pictures.some((e) => e.getBoundingClientRect().width) ? { title: document.title, text } : false
}
