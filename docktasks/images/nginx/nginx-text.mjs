// Text of a site as text of nginx's configuration. nginx has no escape for $ in a value, so the variable $dollar holds
// one (serving/pages.conf). https://nginx.org/en/docs/beginners_guide.html#conf_structure

// A value, with every character as it is.
export const quoted = (text) => `"${text.replace(/[\\"]/g, '\\$&').replaceAll('$', '${dollar}')}"`

// A regular expression as the first word of a line of a map.
export const quotedPattern = (pattern) => `"~${pattern.replace(/[\\"]/g, '\\$&')}"`

// A pattern that matches this text only.
export const escaped = (text) => text.replace(/[^\w/-]/gu, (character) =>
  character.codePointAt() < 128 ? `\\${character}` : character)

// A map of nginx. `rows` are pairs of words: what the value of `source` is, and what it becomes.
export function map(source, variable, rows) {
  const lines = rows.map(([key, value]) => `    ${key} ${value};\n`)
  return `map ${source} ${variable} {\n${lines.join('')}}\n`
}
