// The forms that a browser sends to this site, because no script keeps it from doing so: method and address. An event of
// a script sends nothing.
() => [...document.querySelectorAll('form')].map((form) => {
  const method = (form.getAttribute('method') || 'get').toUpperCase()
  const url = URL.parse(form.getAttribute('action') || location.href, document.baseURI)
  const isSeen = form.checkVisibility() && !form.getAttribute('target') && ['GET', 'POST'].includes(method)
  return isSeen && url?.origin === location.origin
    && form.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true })) && [method, url.href]
}).filter(Boolean)
