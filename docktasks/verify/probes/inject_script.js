// Adds an inline script, which a policy must block. The browser then reports that with an event.
() => new Promise((resolve) => {
  const finish = (reported) => resolve({ ran: globalThis.helloDockInjected === true, reported })
  addEventListener('securitypolicyviolation', (event) => finish(event.effectiveDirective), { once: true })
  const script = document.createElement('script')
  script.textContent = 'globalThis.helloDockInjected = true'
  document.head.append(script)
  setTimeout(finish, 500, '')
})
