#!/usr/bin/env node
// Answers in place of git in an image without it. A build has no .git either, so it gets the commit and its time, as in a
// checkout of one commit (a shallow clone). To each other question this says, as git would, that it is no repository.
const { existsSync } = require('node:fs')
const { REVISION = '', SOURCE_DATE_EPOCH = '' } = process.env
const commit = REVISION.replace(/-dirty$/, '')

function answer(text) {
  if (!text) {
    console.error(`fatal: not a git repository${commit && ': the commit is in the variable REVISION'}`)
    process.exit(128)
  }
  console.log(text)
}

// A text with the values of https://git-scm.com/docs/pretty-formats; undefined for one that asks for more.
function formatted(format) {
  const text = format.replace(/%([Hh])/g, (_, kind) => (kind === 'H' ? commit : commit.slice(0, 7)))
  const dated = SOURCE_DATE_EPOCH && text.includes('%') ? withTimes(text) : text
  return dated.includes('%') ? undefined : dated
}

function withTimes(text) {
  const [day, clock] = new Date(SOURCE_DATE_EPOCH * 1000).toISOString().slice(0, 19).split('T')
  const [weekday, date, month, year] = new Date(SOURCE_DATE_EPOCH * 1000).toUTCString().replace(',', '').split(' ')
  const times = {
    t: SOURCE_DATE_EPOCH, i: `${day} ${clock} +0000`, I: `${day}T${clock}+00:00`, s: day,
    d: `${weekday} ${month} ${Number(date)} ${clock} ${year} +0000`,
  }
  return text.replace(/%[ac]([tiIsd])/g, (_, kind) => times[kind])
}

const words = process.argv.slice(2)
while (/^(-[CcP]|--no-pager|--no-replace-objects)$/.test(words[0])) words.splice(0, /^-[Cc]$/.test(words[0]) ? 2 : 1)
const [command, ...asked] = words
const line = asked.join(' ')
const every = pattern => asked.every(word => pattern.test(word))
const digits = Number(/--(?:short|abbrev)=(\d+)/.exec(line)?.[1] ?? 7)
const format = asked.map(word => /^--(?:pretty|format)=(?:t?format:)?(.*%.*)$/s.exec(word)).find(Boolean)?.[1]
// What asks for the newest commit, also of a file. Every other word might choose another commit.
const isNewest = asked.every((word, at) => /^(-1|-n1|--max-count=1|-s|--no-patch|HEAD|--|--(pretty|format)=.*)$/s.test(word)
  || (word === '-n' && asked[at + 1] === '1') || (word === '1' && asked[at - 1] === '-n') || (command === 'log' && existsSync(word)))
const isOne = command === 'show' ? /-s\b|--no-patch/.test(line) : /(^| )(-1|-n ?1|--max-count=1)( |$)/.test(line)

if (['clone', 'fetch', 'init', 'ls-remote'].includes(command)) {
  // Package managers ask so for a package of a repository, and print what git says.
  console.error('ENOENT: git ls-remote and the like take git itself')
  process.exit(127)
} else if (command === 'rev-parse' && asked.includes('HEAD') && every(/^(HEAD|--short(=([4-9]|[1-4]\d))?|--verify|-q)$/)) {
  answer(line.includes('--short') ? commit.slice(0, digits) : commit)
} else if (['log', 'show'].includes(command) && isNewest && isOne && format && commit) {
  answer(formatted(format))
} else if (command === 'describe' && asked.includes('--always') && commit
  && every(/^--(always|tags|long|dirty(=.*)?|abbrev=([4-9]|[1-4]\d))$/)) {
  const mark = asked.map(word => /^--dirty(?:=(.*))?$/.exec(word)).find(Boolean)
  answer(commit.slice(0, digits) + (mark && REVISION !== commit ? (mark[1] ?? '-dirty') : ''))
} else {
  answer('')
}
