/**
 * Actions: what an operator can do with a session: release its claim, move it, cancel it. Each asks first, and for a
 * reason.
 */
import { useState } from "preact/hooks"
import { ActionDialog, type Deed } from "./ActionDialog.js"
import type { Api } from "./Api.js"
import type { Inspected } from "./Contract.js"

const names: Readonly<Record<Deed, string>> = { release: "Release claim", move: "Move", cancel: "Cancel session" }

interface ActionsOf {
  readonly api: Api
  readonly inspected: Inspected
  readonly onDone: () => void
}

/** The actions that the session allows; none when it is closed. */
export const Actions = ({ api, inspected, onDone }: ActionsOf) => {
  const [open, setOpen] = useState<Deed | null>(null)
  const [done, setDone] = useState<string | null>(null)
  const { isArchived, isProcessing } = inspected.session
  const deeds: ReadonlyArray<Deed> = isArchived ? [] : [isProcessing ? "release" : "move", "cancel"]
  return (
    <div class="actions">
      <p role="status" class="done">
        {done}
      </p>
      {deeds.map((deed) => (
        <button
          key={deed}
          type="button"
          class={deed === "cancel" ? "danger" : ""}
          onClick={() => {
            setDone(null)
            setOpen(deed)
          }}
        >
          {names[deed]}…
        </button>
      ))}
      {open !== null && (
        <ActionDialog
          key={open}
          api={api}
          deed={open}
          inspected={inspected}
          onClose={(sentence) => {
            setOpen(null)
            setDone(sentence)
            // The button may be gone now.
            if (sentence !== null) document.querySelector<HTMLElement>("h1")?.focus()
            onDone()
          }}
        />
      )}
    </div>
  )
}
