/** SignIn: asks for a token, and says plainly why one is needed. */
import { useEffect, useRef, useState } from "preact/hooks"
import { type SignedOut, signIn } from "./Api.js"
import { isToken } from "./Fragment.js"

const reasons: Readonly<Record<SignedOut, string | null>> = {
  nobody: null,
  refused: "The server does not take this token. Check that it was copied whole, and that it is for this server.",
  expired: "Your token is not taken any more: it has expired, or it was revoked. Sign in with a new one.",
  "not an operator":
    "This token is not an operator's, so it shows nothing here. The console is for callers with the role modify-all-data."
}

/** The page for those who are not signed in. */
export const SignIn = ({ why }: { readonly why: SignedOut }) => {
  const [text, setText] = useState("")
  const [fault, setFault] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = "Sign in · Onelane console"
    field.current?.focus()
  }, [])
  const submit = (event: Event): void => {
    event.preventDefault()
    const token = text.trim()
    if (isToken(token)) return signIn(token)
    setFault(token === "" ? "Paste a token first." : "A token has no spaces, and only ASCII characters.")
    field.current?.focus()
  }
  const told = fault ?? reasons[why]
  return (
    <main class="sign-in">
      <h1>
        <span class="brand">
          Onelane <span>console</span>
        </span>
      </h1>
      <p class="lead">What is happening to this checkout, and why did that call lose?</p>
      {told !== null && (
        <p role="alert" class="note bad" id="told">
          {told}
        </p>
      )}
      <form onSubmit={submit}>
        <label for="token">An operator's token</label>
        <div class="field">
          <input
            id="token"
            ref={field}
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            aria-describedby={told === null ? "about" : "told about"}
            aria-invalid={fault !== null}
            onInput={(event) => {
              setText(event.currentTarget.value)
              setFault(null)
            }}
          />
          <button type="submit" class="primary">
            Sign in
          </button>
        </div>
        <p class="fine" id="about">
          It stays in this tab until you close it or sign out, and is sent to this server only. An API key, a signed
          token or a fixed token will do.
        </p>
      </form>
    </main>
  )
}
