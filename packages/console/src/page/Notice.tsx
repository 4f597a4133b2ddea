/** Notice: an error in plain words, with its code. */
import type { CallError } from "@onelane/client"
import { isSilence } from "./Api.js"
import { tell } from "./Words.js"

/**
 * Shows an error. `isAlert`: it is the result of a user action. A poll without an answer is shown only once, at the top
 * of the page.
 */
export const Notice = ({ error, isAlert }: { readonly error: CallError; readonly isAlert?: boolean }) => {
  if (isAlert !== true && isSilence(error)) return null
  const { code, sentence } = tell(error)
  return (
    <p class="note bad" role={isAlert === true ? "alert" : undefined}>
      {sentence} <code>{code}</code>
    </p>
  )
}
