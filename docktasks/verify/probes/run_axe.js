// What axe finds against WCAG 2.2 A and AA, and text that has the color of what is behind it, of which axe is not sure.
// Without preload it fetches no style sheet of another host, which no policy allows for the app. Null if the page has
// loaded again since axe was put into it.
async () => {
  if (!globalThis.axe) return null
  const { violations, incomplete } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    resultTypes: ['violations', 'incomplete'], preload: false, elementRef: true })
  const isOpaque = (e) => !/rgba|\//.test(getComputedStyle(e).webkitTextFillColor) // others are meant to show what is behind
  const isUnseen = ({ any, element }) => any.some(({ data }) => data?.messageKey === 'equalRatio') && element && isOpaque(element)
  const unseen = incomplete.map((rule) => ({ ...rule, nodes: rule.nodes.filter(isUnseen) }))
  return [...violations, ...unseen].filter(({ nodes }) => nodes.length).map(({ id, impact, help, nodes }) => {
    const more = nodes.length > 1 ? ` and ${nodes.length - 1} more` : ''
    return `${id} (${impact}): ${help}: ${nodes[0].target.join(' ')}${more}`
  })
}
