// The page's links to other pages of the site: the href as written, and the address.
(links) => links.filter((link) => link.origin === location.origin && !link.hash && !link.target
  && !link.hasAttribute('download') && link.checkVisibility() && /^[^.]*(\.html?)?$/.test(link.pathname))
  .map((link) => [link.getAttribute('href'), link.href])
