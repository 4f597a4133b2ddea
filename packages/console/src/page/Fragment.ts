/** Fragment: the part of an address behind `#`, with and without a token in it. Pure. */

/** A fragment without its token, and the token; null if it has none. */
export const split = (fragment: string): { readonly token: string | null; readonly rest: string } => {
  const text = fragment.replace(/^#/, "")
  const at = text.search(/(?:^|[?&])token=/)
  if (at < 0) return { token: null, rest: text }
  const start = text.indexOf("token=", at)
  const [value = "", ...others] = text.slice(start + "token=".length).split("&")
  const before = text.slice(0, at)
  const after = others.join("&")
  const rest = after === "" ? before : `${before}${text[at] === "?" ? "?" : before === "" ? "" : "&"}${after}`
  let token = value
  try {
    token = decodeURIComponent(value)
  } catch {
    // The token is not percent-encoded; it is sent unchanged, and the server decides.
  }
  return { token: isToken(token) ? token : null, rest }
}

/** Whether a text can be sent as a token: printable ASCII without spaces. */
export const isToken = (text: string): boolean => /^[!-~]{1,8192}$/.test(text)

/** Whether a fragment has a token, valid or not. */
export const hasToken = (fragment: string): boolean => /(?:^|[#?&])token=/.test(fragment)
