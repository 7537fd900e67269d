// Text of a site as text of nginx's configuration. nginx has no escape for $ in a value, so the variable $dollar holds
// one (serving/pages.conf).

// A value: texts with every character as it is, and names of variables, each in a list of its own.
export function quoted(...parts) {
  const text = (part) => part.replace(/[\\"]/g, '\\$&').replaceAll('$', '${dollar}')
  return `"${parts.map((part) => (Array.isArray(part) ? `\${${part[0]}}` : text(part))).join('')}"`
}

// A text as the first word of a line of a map, in which $ is no variable.
export const quotedKey = (text) => `"${text.replace(/[\\"]/g, '\\$&')}"`

// A regular expression as such a word, or in an `if`.
export const quotedPattern = (pattern) => quotedKey(`~${pattern}`)

// A pattern that matches this text only.
export const escaped = (text) => text.replace(/[!-,.:-@[-^`{-~]/g, '\\$&')

// A map of nginx. `rows` are pairs of words: what the value of `source` is, and what it becomes.
export function map(source, variable, rows) {
  return `map ${source} ${variable} {\n${rows.map((row) => `    ${row.join(' ')};\n`).join('')}}\n`
}
