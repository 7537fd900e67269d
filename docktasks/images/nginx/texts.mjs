// Texts for the user.

// The first of some names, and how many more there are.
export function listed(names, limit) {
  const more = names.length > limit ? ` and ${names.length - limit} more` : ''
  return names.slice(0, limit).join(', ') + more
}
