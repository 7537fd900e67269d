// Reports what the Content-Security-Policy blocks, and what one that only reports would block.
document.addEventListener('securitypolicyviolation', (event) => {
  helloDockViolation(event.disposition === 'enforce', `${event.effectiveDirective} blocks ${event.blockedURI}`)
})
