// The names of the buttons that send no form, and, for a click, the buttons in the same order.
() => {
  const all = [...document.querySelectorAll('button, [role=button]:not(a)')]
  globalThis.helloDockButtons = all.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.disabled
    && e.ariaDisabled !== 'true' && !(e.form && e.type === 'submit') && !e.closest('a'))
  return helloDockButtons.map((e) => (e.innerText?.trim() || e.ariaLabel || e.title || '?').split('\n')[0].slice(0, 40))
}
