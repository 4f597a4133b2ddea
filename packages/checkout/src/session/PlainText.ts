/**
 * PlainText: text that means the same to everybody who stores, prints or compares it. A lone half of a surrogate pair has no
 * UTF-8: stores replace it, and two ids become one.
 */

const odd = /[\p{Cc}\p{Surrogate}]/u

/** Whether a text has no control characters and no lone halves of surrogate pairs. */
export const isPlain = (text: string): boolean => !odd.test(text)

/** The beginning of a text, at most so many UTF-16 units, never cut inside a character. */
export const cut = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text
  const last = text.charCodeAt(maxLength - 1)
  const next = text.charCodeAt(maxLength)
  const splits = last >= 0xd800 && last <= 0xdbff && next >= 0xdc00 && next <= 0xdfff
  return text.slice(0, splits ? maxLength - 1 : maxLength)
}
