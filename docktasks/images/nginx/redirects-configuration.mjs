// nginx's configuration for the rules of _redirects (redirects.mjs). serving/site.conf asks it twice: before it looks
// for a file, for the rules with `!`, and after it found none, for every rule.
import { map, quoted, quotedPattern } from './nginx-text.mjs'
import { patternOf } from './path-pattern.mjs'
import { isExact, isRedirect } from './redirects.mjs'
import { isPage } from './site-folder.mjs'

// A redirect leads nowhere else than its line says: `//host` would be another site.
const TARGET = '(?<rule_target>(?!//).+)'
// A rewrite gives no hidden file.
const PAGE = '(?<rule_page>(?!.*/\\.(?!well-known/))/.+)'

const groupOf =
  ({ names }) =>
  (name) =>
    `rule_${names.indexOf(name)}`
const statusOf = ({ status, force }) => `${status}${force ? '!' : ''}`

// TO with the values of its parts, from `encode`d text.
function partsOf(rule, text, encode) {
  const pattern = rule.names.length ? new RegExp(`:(${rule.names.join('|')})\\b`) : /$^()/
  return text.split(pattern).map((part, index) => (index % 2 ? [groupOf(rule)(part)] : encode(part)))
}

const asAddress = (text) => text.replace(/%(?![0-9A-Fa-f]{2})|[^\w.~!$&'()*+,;=:@/?#[\]%-]/gu, encodeURIComponent)

// The value of Location. The visitor's query is kept, unless TO has one.
function locationOf(rule, base) {
  const [, path, query = '', fragment = ''] = rule.to.match(/^([^?#]*)(\?[^#]*)?(#.*)?$/)
  const isOwn = base && path.startsWith('/') && !`${path}/`.startsWith(`${base}/`)
  const kept = query ? partsOf(rule, query, asAddress) : [['is_args'], ['args']]
  return [...(isOwn ? [['rule_base']] : []), ...partsOf(rule, path, asAddress), ...kept, asAddress(fragment)]
}

// What a rewrite answers with, and whether only a request that wants a page gets it: a script that turns out to be the
// app's page fails without a message.
function answerOf(rule) {
  const isForPages = isPage(rule.page) && rule.names.length > 0
  return [`${statusOf(rule)} ${isForPages ? 'page' : 'any'} /`, ...partsOf(rule, rule.page, (text) => text)]
}

// Returns the text of each file, by its path below /etc/nginx. `base` is the site's base path without its last slash.
export function redirectsConfiguration(rules, base = '') {
  const options = (rule) => ({ group: groupOf(rule), isExact: isExact(rule), base })
  const redirects = rules.map((rule) => [
    quotedPattern(patternOf(rule.from, { ...options(rule), isRaw: true })),
    isRedirect(rule) ? quoted(`${statusOf(rule)} `, ...locationOf(rule, base)) : `"${statusOf(rule)}"`,
  ])
  const answers = rules.map((rule) => [
    quotedPattern(patternOf(rule.from, options(rule))),
    isRedirect(rule) ? `"${statusOf(rule)}"` : quoted(...answerOf(rule)),
  ])
  const first = rules.filter(({ force }) => force)
  const returns = (some, variable, mark) =>
    [...new Set(some.filter(isRedirect).map(({ status }) => status))]
      .map((status) => `if (${variable} ~ "^${status}${mark} ${TARGET}$") {\n    return ${status} $rule_target;\n}\n`)
      .join('')
  return {
    'site/redirects.conf': [
      '# The rules of _redirects: what the first one that matches says (redirects.mjs).\n',
      map('$request_uri', '$rule_redirect', [['default', '""'], ...redirects]),
      map('$request_path', '$rule_answer', [['default', '""'], ...answers]),
      // Only the first look at a request counts, because nginx looks again when it sends an error.
      map('$status', '$first_redirect', [['volatile'], ['default', '""'], ['000', '$rule_redirect']]),
      map('$status', '$first_answer', [['volatile'], ['default', '""'], ['000', '$rule_answer']]),
      map('""', '$health_rules', [['default', '"The site has a file _redirects.\\n"']]),
      map('"$request_kind $rule_answer"', '$unknown_page', [
        ['default', '$fallback_page'],
        [quotedPattern(`^(?:page 200!? page|\\w+ 200!? any) ${PAGE}$`), '$rule_page'],
        [quotedPattern('^\\w+ [24]'), '/.none'],
      ]),
      map('"$request_kind $rule_answer"', '$not_found', [
        ['default', '$fallback_not_found'],
        [quotedPattern(`^page 404!? \\w+ ${PAGE}$`), '"/.not-found$rule_page"'],
      ]),
    ].join(''),
    'redirects/last.conf': returns(
      rules.filter(({ force }) => !force),
      '$rule_redirect',
      '',
    ),
    ...(first.length && {
      // $request_kind keeps its value, so nginx finds it before the path is another one.
      'redirects/first.conf': [
        returns(first, '$first_redirect', '!'),
        'if ($first_answer ~ "^(?:200|404)! ") {\n    set $early $request_kind;\n    rewrite ^ /.rule last;\n}\n',
        'location = /.rule {\n    internal;\n    try_files /.none @unknown;\n}\n',
      ].join(''),
    }),
  }
}
