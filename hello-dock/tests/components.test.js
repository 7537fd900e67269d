import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, describe, expect, it, vi } from 'vitest'
import CommandLine from '../src/components/CommandLine.vue'
import FileTable from '../src/components/FileTable.vue'
import FirstLoad from '../src/components/FirstLoad.vue'
import { fileOf, withHeaders } from '../src/serving.js'

function file(path, startTime = 1, headers = { 'content-encoding': 'br', 'cache-control': 'max-age=31536000, immutable' }) {
  const name = `http://127.0.0.1:8080${path}`
  const entry = { entryType: 'resource', initiatorType: 'script', name, startTime, encodedBodySize: 1000, decodedBodySize: 4000 }
  return withHeaders(fileOf(entry, 5), new Headers(headers))
}

describe('FileTable', () => {
  it('shows a row a file, with all that is known of it', () => {
    const rows = mount(FileTable, { props: { files: [file('/a.js'), file('/b.css', 9, {})] } }).findAll('tbody tr')
    expect(rows.map((row) => row.findAll('th, td').map((cell) => cell.text().replace(/\s+/g, ' ')))).toEqual([
      ['/a.js', 'script', '1.0 kB', '4.0 kB', 'br', 'kept 1 year, never asked again max-age=31536000, immutable'],
      ['/b.css loaded later', 'style', '1.0 kB', '4.0 kB', 'none', 'left to the browser'],
    ])
  })

  it('shows the largest of many, and all of them when asked', async () => {
    const files = [2, 9, 4, 7, 1].map((size) => file(`/${size}.js`, 1, { 'content-length': `${size}000` }))
    const table = mount(FileTable, { props: { files, limit: 3 } })
    expect(table.findAll('tbody th').map((path) => path.text())).toEqual(['/9.js', '/7.js', '/4.js'])
    expect(table.text()).toContain('The 3 largest of 5 files.')
    await table.get('button').trigger('click')
    expect(table.findAll('tbody tr')).toHaveLength(5)
    expect(table.get('button').attributes('aria-expanded')).toBe('true')
  })
})

describe('FirstLoad', () => {
  it('shows the totals and what compression saved', () => {
    const load = mount(FirstLoad, { props: { files: [file('/a.js'), file('/b.css'), file('/late.js', 9)] } })
    const text = load.text().replace(/\s/g, ' ')
    expect(text).toContain('2.0 kB')
    expect(text).toContain('8.0 kB')
    expect(text).toContain('4.0 : 1')
    expect(text).toContain('75% less to send')
  })

  it('stands before anything is known', () => {
    expect(mount(FirstLoad, { props: { files: [] } }).text()).toContain('– : 1')
  })
})

describe('CommandLine', () => {
  const clipboard = (writeText) => vi.stubGlobal('navigator', { clipboard: writeText && { writeText } })
  afterEach(() => vi.unstubAllGlobals())

  async function press() {
    const line = mount(CommandLine, { props: { command: 'invoke dev' }, attachTo: document.body })
    await line.get('button').trigger('click')
    await flushPromises()
    const said = line.get('[role=status]').text()
    line.unmount()
    return said
  }

  it('copies the command without its prompt, and says so', async () => {
    const write = vi.fn(async () => {})
    clipboard(write)
    expect(await press()).toBe('Copied')
    expect(write).toHaveBeenCalledWith('invoke dev')
  })

  it.each([
    ['missing', undefined],
    ['refused', async () => { throw new DOMException('no', 'NotAllowedError') }],
  ])('selects the command where the clipboard is %s', async (_, writeText) => {
    clipboard(writeText)
    const select = vi.spyOn(Selection.prototype, 'selectAllChildren')
    expect(await press()).toBe('Selected')
    expect(select.mock.calls[0][0].textContent).toBe('invoke dev')
    select.mockRestore()
  })
})
