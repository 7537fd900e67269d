/**
 * Copies text without ever asking for a permission.
 *
 * @param {string} text
 * @param {HTMLElement} shown the element that shows the text, selected where the clipboard is out of reach
 * @returns {Promise<boolean>} whether it was copied; if not, it is selected for the reader to copy
 */
export async function copyText(text, shown) {
  try {
    // Absent on pages that are neither https nor loopback.
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    getSelection().selectAllChildren(shown)
    return false
  }
}
