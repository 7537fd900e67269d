// Reports what the Content-Security-Policy blocks, and what one that only reports would block. Libraries try whether
// they may make functions of text, and have another way: new Function('') and Function('return this') are no violation.
const PROBES = ['(function anonymous(\n) {\n\n})', '(function anonymous(\n) {\nreturn this\n})']
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.blockedURI === 'eval' && PROBES.includes(event.sample)) return
  const sample = event.sample ? `: ${event.sample.replace(/\s+/g, ' ')}` : ''
  helloDockViolation(event.disposition === 'enforce', `${event.effectiveDirective} blocks ${event.blockedURI}${sample}`)
})
