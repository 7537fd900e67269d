// What axe finds against WCAG 2.2 A and AA. Without preload it fetches no style sheet of another host, which no policy
// allows for the app. Null if the page has loaded again since axe was put into it.
async () => globalThis.axe ? axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'], preload: false })
  .then(({ violations }) => violations.map(({ id, impact, help, nodes }) => {
    const more = nodes.length > 1 ? ` and ${nodes.length - 1} more` : ''
    return `${id} (${impact}): ${help}: ${nodes[0].target.join(' ')}${more}`
  })) : null
