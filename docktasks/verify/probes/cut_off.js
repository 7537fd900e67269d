// The first text below the window that nobody can scroll to, because html or body hides what overflows, and where it is.
// A part of the page that moves or scrolls by itself is no such text.
() => {
  const { documentElement: root, body } = document
  if (!body) return null
  const overflow = (e) => getComputedStyle(e).overflowY
  const [ofRoot, ofBody] = [root, body].map(overflow)
  const isOwn = ofRoot !== 'visible' // then what body says holds for itself, else for the window
  const hides = (value) => /hidden|clip/.test(value)
  const bodyScrolls = isOwn && /auto|scroll/.test(ofBody) && body.scrollHeight > body.clientHeight
  const isHidden = hides(isOwn ? ofRoot : ofBody) ? !bodyScrolls : isOwn && hides(ofBody) && body.scrollHeight > body.clientHeight
  const isInFlow = (e) => {
    for (let part = e; part !== body; part = part.parentElement) {
      const { overflowY, position, transform } = getComputedStyle(part)
      if (overflowY !== 'visible' || /fixed|absolute/.test(position) || transform !== 'none') return false
    }
    return true
  }
  const texts = isHidden ? [...body.querySelectorAll('h1, h2, h3, p, li, a, button, label')] : []
  const lost = texts.find((e) => e.getBoundingClientRect().top > innerHeight && e.innerText.trim()
    && e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && isInFlow(e))
  return lost ? { text: lost.innerText.trim().slice(0, 60), top: Math.round(lost.getBoundingClientRect().top) } : null
}
