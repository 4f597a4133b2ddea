/**
 * ActionDialog: shows the effect of an action, asks for a reason, runs it, and shows the result.
 *
 * It acts on the session that the operator saw when the dialog opened: if the session has changed since, the action is
 * refused, the new state is shown, and the operator can confirm again. An attempt with an unknown outcome is retried
 * with the same idempotency key.
 */

import type { CallError, Result } from "@onelane/client"
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import * as Admin from "./Admin.js"
import type { Api } from "./Api.js"
import { Notice } from "./Notice.js"
import { usePolled } from "./Poll.js"

/** What can be done. */
export type Deed = "release" | "move" | "cancel"

interface DialogOf {
  readonly api: Api
  readonly deed: Deed
  readonly inspected: Admin.Inspected
  /** A sentence: it was done; null: it was not. */
  readonly onClose: (sentence: string | null) => void
}

type Target = Pick<Admin.Inspected["session"], "id" | "state" | "version" | "operationId" | "nextState">

const words: Readonly<
  Record<Deed, { readonly title: string; readonly confirm: string; readonly done: string; readonly effect: string }>
> = {
  release: {
    title: "Release the claim?",
    confirm: "Release claim",
    done: "The claim was released.",
    effect:
      "The claim ends and the session stays in its state, from where it can be updated again. A late result of the task is refused, and what it did elsewhere is not undone; the next attempt gets the same work key."
  },
  move: {
    title: "Move the session?",
    confirm: "Move session",
    done: "The session was moved.",
    effect: "The session goes to the state you choose, whatever the transitions of its flow say. No task runs for it."
  },
  cancel: {
    title: "Cancel the session?",
    confirm: "Cancel session",
    done: "The session was cancelled.",
    effect: "The session is closed for good, a running task is stopped, and its cart can be checked out anew."
  }
}

const reasonMaxLength = 1_000

const send = (api: Api, deed: Deed, target: Target, state: string, reason: string, idempotencyKey: string) => {
  const call = { checkoutSessionId: target.id, expectedVersion: target.version, reason, idempotencyKey }
  switch (deed) {
    case "release":
      return api.write.releaseClaim({ ...call, operationId: target.operationId ?? "" })
    case "move":
      return api.write.move({ ...call, state })
    case "cancel":
      return api.write.cancel(call)
  }
}

/** One idempotency key per action, so that a repeated request is applied once. */
const useKeys = (): ((wish: string) => string) => {
  const last = useRef({ wish: "", key: "" })
  return (wish) => {
    if (last.current.wish !== wish) last.current = { wish, key: `console-${crypto.randomUUID()}` }
    return last.current.key
  }
}

/** The session as the refusal shows it, if it does. */
const renewed = (target: Target, error: CallError): Target => {
  const { current } = error as { readonly current?: Admin.Current | null }
  return current === undefined || current === null ? target : { ...target, ...current }
}

interface Attempted {
  /** The session as the operator acts on it. */
  readonly target: Target
  readonly error: CallError | null
  readonly isSending: boolean
  /** Runs the action; true if it was applied. */
  readonly act: (state: string, reason: string) => Promise<boolean>
}

/** Runs the action, and updates the session from a refusal. */
const useDeed = (api: Api, deed: Deed, session: Target): Attempted => {
  const [target, setTarget] = useState<Target>(session)
  const [error, setError] = useState<CallError | null>(null)
  const [isSending, setSending] = useState(false)
  const keyOf = useKeys()
  const act = async (state: string, reason: string): Promise<boolean> => {
    setSending(true)
    setError(null)
    const key = keyOf(JSON.stringify([target, state, reason]))
    const result: Result<unknown> = await send(api, deed, target, state, reason, key)
    setSending(false)
    if (result.ok) return true
    setError(result.error)
    setTarget(renewed(target, result.error))
    return false
  }
  return { target, error, isSending, act }
}

/** The dialog of an action. */
export const ActionDialog = ({ api, deed, inspected, onClose }: DialogOf) => {
  const dialog = useRef<HTMLDialogElement>(null)
  const outcome = useRef<string | null>(null)
  const [state, setState] = useState("")
  const [reason, setReason] = useState("")
  const { act, error, isSending, target } = useDeed(api, deed, inspected.session)
  const { done, effect, title } = words[deed]
  useLayoutEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (isSending || !(await act(state, reason.trim()))) return
    outcome.current = done
    dialog.current?.close()
  }
  const isReady = reason.trim() !== "" && (deed !== "move" || state !== "")
  return (
    <dialog
      ref={dialog}
      aria-labelledby="deed"
      aria-describedby="effect"
      onClose={() => onClose(outcome.current)}
      onCancel={(event) => isSending && event.preventDefault()}
    >
      <form onSubmit={submit}>
        <h2 id="deed">{title}</h2>
        <p id="effect">{effect}</p>
        <p class="fine">
          Session <code>{target.id}</code>, in <strong>{target.state}</strong>, version {target.version}.
        </p>
        {deed === "move" && <StateField api={api} target={target} state={state} onState={setState} />}
        <label for="reason">Reason</label>
        <textarea
          id="reason"
          required
          rows={3}
          maxLength={reasonMaxLength}
          value={reason}
          aria-describedby="kept"
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <p class="fine" id="kept">
          It stands in the history of the session, with your name.
        </p>
        {error !== null && <Notice error={error} isAlert />}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()} disabled={isSending}>
            Leave it
          </button>
          <Confirm deed={deed} isReady={isReady} isSending={isSending} />
        </div>
      </form>
    </dialog>
  )
}

interface ConfirmOf {
  readonly deed: Deed
  readonly isReady: boolean
  readonly isSending: boolean
}

const Confirm = ({ deed, isReady, isSending }: ConfirmOf) => (
  <button type="submit" class={deed === "cancel" ? "danger" : "primary"} disabled={!isReady} aria-busy={isSending}>
    {isSending ? "Sending …" : words[deed].confirm}
  </button>
)

interface StateFieldOf {
  readonly api: Api
  readonly target: Target
  readonly state: string
  readonly onState: (state: string) => void
}

const StateField = ({ api, onState, state, target }: StateFieldOf) => {
  const { error, value: flow } = usePolled("flow", 600_000, (signal) => Admin.flow(api, signal))
  const field = useRef<HTMLSelectElement>(null)
  useEffect(() => field.current?.focus(), [])
  const follow = flow?.edges[target.state] ?? []
  const option = (each: string) => (
    <option key={each} value={each}>
      {each}
      {flow?.finals.includes(each) === true ? " (completes the session)" : ""}
    </option>
  )
  const others = (flow?.states ?? []).filter(
    (each) => each !== target.state && each !== "Error" && !follow.includes(each)
  )
  return (
    <>
      <label for="state">To the state</label>
      <select id="state" ref={field} required value={state} onChange={(event) => onState(event.currentTarget.value)}>
        <option value="">choose</option>
        {follow.length > 0 && <optgroup label="May follow">{follow.map(option)}</optgroup>}
        <optgroup label="No transition leads there">{others.map(option)}</optgroup>
      </select>
      {error !== null && <Notice error={error} />}
    </>
  )
}
