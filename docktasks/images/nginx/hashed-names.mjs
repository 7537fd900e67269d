// Which names a bundler made from the content of their files: browsers keep such a file for a year without asking. In
// doubt a name counts as chosen by a person, because a file that is revalidated once too often is only a 304.
//
// A hash is at least eight characters of base64url or of hexadecimal digits, after -, _ or . or as the whole name:
//     index-BxQ12ab_.js   index.BxQ12ab_.js   BxQ12ab_.js   about.md.BxQ12ab_.lean.js   index.3f2a1b4c.css
// A text of eight characters may also be a word, a date, a version or a size. Two models tell which: in a random text
// each of 64 characters is as likely as the others; in words small letters follow small letters, and common pairs of
// letters are most of all pairs. The score is the logarithm of how much likelier the text is at random. Of random
// hashes of eight characters 3 % score below 0, and 12 % below 2.5. Of 14,800 words with capitals in names of files
// (of Python, Debian and npm) 3 % score above 4, mostly acronyms and real hashes.

import { dirname } from 'node:path'

// What follows which kind of character in words: U capital, L small letter, D digit, S separator. In camel case.
const WORD_ODDS = {
  LL: 0.82, LU: 0.06, LD: 0.02, LS: 0.1, UL: 0.62, UU: 0.3, UD: 0.03, US: 0.05,
  DD: 0.5, DL: 0.15, DU: 0.08, DS: 0.27, SL: 0.6, SU: 0.2, SD: 0.19, SS: 0.01,
}
const RANDOM_ODDS = { U: 26 / 64, L: 26 / 64, D: 10 / 64, S: 2 / 64 }
// The 180 of 676 pairs of letters that are nine of ten pairs in the names of files: each letter with those after it.
const COMMON_PAIRS = new Set(
  `abcdgilmnprstu baeilosu cacehiklortuy daeio eacdelmnprstvwx filo gceirs haeo iabcdefglmnoprstv ke laeilopstu mabeiop
   nacdefginost obcdglmnoprstuv padehiloprstu raceikmostuvy sacehiopstuy taehiorstwy ubdelnprst vaei wao xt ymp`
    .split(/\s+/)
    .flatMap(([first, ...others]) => others.map((other) => first + other)),
)
const COMMON_SCORE = Math.log(180 / 676 / 0.9)
const RARE_SCORE = Math.log((1 - 180 / 676) / 0.1)
// Words with digits, which are no sign of a hash.
const NUMERONYMS = /i18n|l10n|a11y|e2e|k8s|[bp]2[bcp]|utf8|base64|sha(?:1|256|512)|md5|es\d+|h26[45]|mp[34]|x(?:64|86)/gi

const kindOf = (character) =>
  /[a-z]/.test(character) ? 'L' : /[A-Z]/.test(character) ? 'U' : /\d/.test(character) ? 'D' : 'S'

export function randomScore(token) {
  const text = token.replace(NUMERONYMS, 'word')
  let score = 0
  for (let index = 1; index < text.length; index += 1) {
    const [kind, next] = [kindOf(text[index - 1]), kindOf(text[index])]
    score += Math.log(RANDOM_ODDS[next] / WORD_ODDS[kind + next])
    if (!/[UL]L|UU/.test(kind + next)) continue
    score += COMMON_PAIRS.has(text.slice(index - 1, index + 1).toLowerCase()) ? COMMON_SCORE : RARE_SCORE
  }
  return score
}

// The scores that a name needs by itself, and when the other names of its folder with a text of that length after that
// separator have PATTERN_SCORE together: then it is the bundler's pattern. What scripts and style sheets are called is
// the bundler's choice; other files may have their names from a plugin or from the author.
const CODE = /\.(?:css|[cm]?js)$/i
const MIN_SCORES = { code: { single: 2.5, among: 0 }, other: { single: 7, among: 3 } }
const PATTERN_SCORE = 7

// Hexadecimal hashes are Vite's up to version 4, and a commit or an id looks the same. So there must be several of them
// among the scripts and styles of the folder, and data files do not count: build-1a2b3c4d.json.
const HEX = /^(?=.*\d)(?=.*[a-f])[0-9a-f]{8,}$/
const HEX_DATE = /^\d{1,4}(?:feb|dec)\d{1,4}$/
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i
const DATA = /\.(?:csv|json|md|txt|webmanifest|xml|ya?ml)$/i
const MIN_HEX_RUNS = 3

const hexRuns = (token) => token.match(/\d+|\D+/g).length

// The texts in a name that may be a hash, each with what the bundler's pattern would be: separator and length.
function candidatesIn(name) {
  const file = name.slice(name.lastIndexOf('/') + 1)
  const parts = file.split('.').slice(0, -1)
  // After a hash there are at most short words, such as .lean or .chunk.
  const first = parts.findLastIndex((part) => !/^[a-z]{1,9}$/.test(part))
  const last = first < 0 ? parts.length - 1 : first
  const candidates = []
  const part = parts[last] ?? ''
  if (UUID.test(part)) return []
  for (let start = 0; part.length - start >= 8; start += 1) {
    const separator = start ? part[start - 1] : last ? '.' : ''
    const token = part.slice(start)
    if (!/^[-_.]?$/.test(separator) || !/^[\w-]+$/.test(token)) continue
    if (!separator && /^[a-z]{3,}[-_]/.test(token)) continue // a word, and then what stands after it
    candidates.push({ token, pattern: `${separator} ${token.length}`, isHex: HEX.test(token) && !HEX_DATE.test(token) })
  }
  return candidates
}

// What speaks for each pattern: the sum of the scores, and how many hexadecimal texts of scripts and styles it has.
function evidenceIn(files) {
  const evidence = { scores: new Map(), hex: new Map() }
  for (const { name, candidates } of files) {
    for (const { token, pattern, isHex } of candidates) {
      const [sums, value] = isHex
        ? [evidence.hex, Number(CODE.test(name) && hexRuns(token) >= MIN_HEX_RUNS)]
        : [evidence.scores, scoreOf(token)]
      sums.set(pattern, (sums.get(pattern) ?? 0) + value)
    }
  }
  return evidence
}

// Capitals, small letters, and two digits apart from each other: verify expects that such a script is kept for a year
// (docktasks/verify/checks/http/caching.py).
const SURE = /^(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[A-Za-z]\d+[A-Za-z]+\d)[\w-]{8}$/
const hasBothCases = (token) => /[a-z]/.test(token) && /[A-Z]/.test(token)
const scoreOf = (token) => (hasBothCases(token) ? randomScore(token) : 0)

function isHash({ token, pattern, isHex }, name, { scores, hex }) {
  if (isHex) {
    const isPattern = hex.get(pattern) >= 2 && Math.max(0, ...scores.values()) < PATTERN_SCORE
    return isPattern && !DATA.test(name)
  }
  if (CODE.test(name) && SURE.test(token) && token.search(NUMERONYMS) < 0) return true
  const { single, among } = MIN_SCORES[CODE.test(name) ? 'code' : 'other']
  if (scores.get(pattern) - scoreOf(token) >= PATTERN_SCORE) {
    return /[A-Za-z]/.test(token) && /[A-Z\d]/.test(token) && randomScore(token) >= among
  }
  return hasBothCases(token) && randomScore(token) >= (token.length === 8 ? single : PATTERN_SCORE)
}

// Of these paths, those whose name has a hash.
export function hashedAmong(names) {
  const folders = new Map()
  for (const name of names) {
    if (!folders.has(dirname(name))) folders.set(dirname(name), [])
    folders.get(dirname(name)).push(name)
  }
  const hashed = new Set()
  for (const folderNames of folders.values()) {
    const files = folderNames.map((name) => ({ name, candidates: candidatesIn(name) }))
    const evidence = evidenceIn(files)
    for (const { name, candidates } of files) {
      if (candidates.some((candidate) => isHash(candidate, name, evidence))) hashed.add(name)
    }
  }
  return hashed
}
