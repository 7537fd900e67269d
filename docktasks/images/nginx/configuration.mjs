// nginx's configuration, for the version of nginx that reads it.

// The number in the output of `nginx -v`, or undefined.
export const versionIn = (output) => output.match(/\/(\d+(?:\.\d+)+)/)?.[1]

function isOlder(version, required) {
  const [have, need] = [version, required].map((text) => text.split('.').map(Number))
  const index = need.findIndex((number, position) => number !== (have[position] ?? 0))
  return index >= 0 && (have[index] ?? 0) < need[index]
}

// A directive that an older nginx would not start with stands below a comment with the version that brought it:
//     # nginx >= 1.27.4: why we want it
// An older nginx gets the comment without the directive.
export function configurationFor(version, text) {
  const leftOut = []
  const adapted = text.replace(/^ *# nginx >= ([\d.]+):.*\n(?: *#.*\n)*([^#;]*;)\n/gm, (match, required, directive) => {
    if (!isOlder(version, required)) return match
    leftOut.push({ required, directive: directive.trim() })
    return match.replace(`${directive}\n`, '')
  })
  return { text: adapted, leftOut }
}
