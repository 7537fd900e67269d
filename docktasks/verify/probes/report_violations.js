// Reports what the Content-Security-Policy blocks.
document.addEventListener('securitypolicyviolation', (event) => {
  if (event.disposition === 'enforce') helloDockViolation(`${event.effectiveDirective} blocks ${event.blockedURI}`)
})
