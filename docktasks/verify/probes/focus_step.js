// After Tab was pressed: the element that Tab did not leave for so many times, although there are others, or '' if it goes
// on, or null at the end. An editor takes Tab for its text, a dialog keeps it on purpose, and what a frame or an element of
// the app's own does inside is not seen.
async (times) => {
  await new Promise((resolve) => setTimeout(resolve)) // the page may move the focus back
  const active = (root) => root.activeElement?.shadowRoot ? active(root.activeElement.shadowRoot) : root.activeElement
  const element = active(document)
  // These take Tab for what they show, and one more Tab would change it.
  if (element?.isContentEditable || element?.matches('textarea, canvas, [role=textbox], [role=application]')) return null
  const steps = globalThis.helloDockSteps ??= []
  const isNew = !steps.some((step) => step.element === element)
  if (!isNew && steps.at(-1).element !== element) return null
  steps.push({ element, text: `${element?.value}${document.body?.textContent.length}` })
  const last = steps.slice(-times)
  if (isNew || last.length < times || last[0].element !== element) return ''
  if (new Set(last.map(({ text }) => text)).size === times) return null
  if (element.matches('iframe, object, embed') || (element.localName.includes('-') && !element.shadowRoot)) return null
  if (element.closest('dialog, [role=dialog], [role=alertdialog], [aria-modal=true]')) return null
  const stops = 'a[href], button, input:not([type=hidden], [type=radio]), select, textarea, summary, [tabindex]'
  const others = [...document.querySelectorAll(stops)].filter((e) => e !== element && !e.matches(':disabled')
    && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }) && !e.closest('[inert]'))
  return others.length ? `${element.localName}${element.id ? `#${element.id}` : ''}` : null
}
