/**
 * PlainText: text that is stored, printed and compared the same everywhere. A lone surrogate has no UTF-8 form: stores
 * replace it, so two different ids would become equal.
 */

const odd = /[\p{Cc}\p{Surrogate}]/u

/** Whether a text has no control characters and no lone surrogates. */
export const isPlain = (text: string): boolean => !odd.test(text)

/** The beginning of a text, at most `maxLength` UTF-16 units, never cut inside a character. */
export const cut = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text
  const last = text.charCodeAt(maxLength - 1)
  const next = text.charCodeAt(maxLength)
  const splits = last >= 0xd800 && last <= 0xdbff && next >= 0xdc00 && next <= 0xdfff
  return text.slice(0, splits ? maxLength - 1 : maxLength)
}
