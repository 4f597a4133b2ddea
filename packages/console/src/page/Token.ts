/**
 * Token: where the page keeps the operator's token. It comes in the fragment of a link (`#token=…`), which no server
 * and no log ever sees, and is taken out of the address at once; or from the sign-in field. It lives in the storage of
 * this tab and ends with it.
 */

import * as Fragment from "./Fragment.js"

const key = "onelane.console.token"

/** Takes the token out of the address, if there is one, and keeps it. True if there was one. */
export const takeFromAddress = (): boolean => {
  if (!Fragment.hasToken(location.hash)) return false
  const { rest, token } = Fragment.split(location.hash)
  history.replaceState(null, "", `${location.pathname}${location.search}${rest === "" ? "" : `#${rest}`}`)
  if (token !== null) keep(token)
  return token !== null
}

/** Keeps a token for this tab. */
export const keep = (token: string): void => sessionStorage.setItem(key, token)

/** The token of this tab; null if nobody signed in. */
export const kept = (): string | null => sessionStorage.getItem(key)

/** Forgets the token. */
export const forget = (): void => sessionStorage.removeItem(key)
