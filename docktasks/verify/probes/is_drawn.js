// May people see more than pictures of the page show? Those are made without a graphics card, and no part of it scrolls.
// An element of the app's own without children may have a closed shadow root.
() => {
  const inside = (root) => [...root.querySelectorAll('*')].flatMap(
    (e) => [e, ...(e.shadowRoot ? inside(e.shadowRoot) : [])])
  const scrolls = (e) => e.scrollHeight > e.clientHeight && /auto|scroll/.test(getComputedStyle(e).overflowY)
  return inside(document.body).some((e) => e.matches('canvas, video, iframe, object, embed') || scrolls(e)
    || (e.localName.includes('-') && !e.shadowRoot && !e.childElementCount))
}
