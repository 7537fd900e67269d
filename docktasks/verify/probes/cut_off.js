// The first text below the window that nobody can scroll to, because html or body hides what overflows, and where it is.
// A part of the page that moves or scrolls by itself is no such text, nor is one that fills a window, as slides do, or that
// a link leads to. Behind a dialog a page may be locked for a while.
() => {
  const { documentElement: root, body } = document
  if (!body) return null
  const overflow = (e) => getComputedStyle(e).overflowY
  const [ofRoot, ofBody] = [root, body].map(overflow)
  const isOwn = ofRoot !== 'visible' // then what body says holds for itself, else for the window
  const hides = (value) => /hidden|clip/.test(value)
  const bodyScrolls = isOwn && /auto|scroll/.test(ofBody) && body.scrollHeight > body.clientHeight
  const isHidden = hides(isOwn ? ofRoot : ofBody) ? !bodyScrolls : isOwn && hides(ofBody) && body.scrollHeight > body.clientHeight
  const isShown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  const parts = (e) => e ? [e, ...parts(e.parentElement ?? e.getRootNode().host)] : []
  const center = (root) => {
    const e = root.elementFromPoint(innerWidth / 2, innerHeight / 2)
    return e?.shadowRoot && e !== root.host ? center(e.shadowRoot) : e
  }
  const isCovered = [...document.querySelectorAll('dialog[open], [role=dialog], [role=alertdialog], [aria-modal=true]')].some(isShown)
    || parts(center(document)).some((e) => getComputedStyle(e).position === 'fixed')
  const top = (e) => e.getBoundingClientRect().top
  const isInFlow = (e) => parts(e).filter((part) => part !== root && part !== body).every((part) => {
    const { overflowY, position, transform, translate, rotate, scale } = getComputedStyle(part)
    const isMoved = [transform, translate, rotate, scale].some((value) => value !== 'none')
    const isSlide = Math.abs(part.getBoundingClientRect().height - innerHeight) < 2
    return overflowY === 'visible' && !/fixed|absolute/.test(position) && !isMoved && !isSlide
  })
  const targets = [...document.querySelectorAll('a[href*="#"]')].map(({ hash }) => hash?.length > 1
    && document.getElementById(hash.slice(1))).filter(Boolean).map(top)
  const isLinked = (e) => targets.some((start) => top(e) >= start && top(e) < start + innerHeight)
  const texts = isHidden && !isCovered ? [...body.querySelectorAll('h1, h2, h3, p, li, a, button, label')] : []
  const lost = texts.find((e) => top(e) > innerHeight && e.innerText?.trim() && isShown(e) && isInFlow(e) && !isLinked(e))
  return lost ? { text: lost.innerText.trim().slice(0, 60), top: Math.round(top(lost)) } : null
}
