/** Main: starts the console in its page. */
import { render } from "preact"
import { signIn, signOut } from "./Api.js"
import { App } from "./App.js"
import * as Fragment from "./Fragment.js"
import * as Token from "./Token.js"

const takeToken = (): void => {
  const isLink = Fragment.hasToken(location.hash)
  const token = Token.takeFromAddress() || !isLink ? Token.kept() : null
  if (token !== null) signIn(token)
  else if (isLink) signOut("refused")
}

takeToken()
// A link with a token was opened in a tab where the console is already open.
addEventListener("hashchange", () => {
  if (Fragment.hasToken(location.hash)) takeToken()
})
const root = document.getElementById("app")
if (root !== null) {
  root.replaceChildren()
  render(<App />, root)
}
