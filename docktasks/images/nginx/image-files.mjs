// Writes files so that the same content gives the same bytes, modes and times.
import { createHash } from 'node:crypto'
import { chmodSync, chownSync, linkSync, mkdirSync, statSync, utimesSync } from 'node:fs'
import { utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { getgid, getuid } from 'node:process'

// nginx makes an ETag from a file's size and time. This time comes from the content: files that differ never share an
// ETag (with one time for all, a new page of equal size is answered 304), and an unchanged file keeps its ETag. It is
// below 2^30, so always in the past. https://nginx.org/en/docs/http/ngx_http_core_module.html#etag
const timeFrom = (content) => createHash('sha256').update(content).digest().readUInt32BE() >>> 2

const madeFolders = new Set()
function makeFolder(path) {
  if (!madeFolders.has(path)) mkdirSync(path, { recursive: true })
  madeFolders.add(path)
}

export async function write(path, content, mode = 0o644) {
  makeFolder(dirname(path))
  await writeFile(path, content, { mode })
  await utimes(path, timeFrom(content), timeFrom(content))
}

// A hard link takes a sixth of a copy's time. The build may have unpacked the file with another owner and mode.
export function link(path, source, content) {
  makeFolder(dirname(path))
  linkSync(source, path)
  const { uid, gid, mode } = statSync(path)
  if (uid !== getuid() || gid !== getgid()) chownSync(path, getuid(), getgid())
  if ((mode & 0o7777) !== 0o644) chmodSync(path, 0o644)
  utimesSync(path, timeFrom(content), timeFrom(content))
}
