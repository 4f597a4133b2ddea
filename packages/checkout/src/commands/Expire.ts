/**
 * Expire: the clock archives a session past its expiry. An update after the expiry is refused in any case; this command
 * makes the expiry durable. A running task is not stopped: the session expires when the task has ended.
 */
import * as Exit from "effect/Exit"
import * as Refusal from "../errors/Refusal.js"
import { closedReason } from "../session/SessionState.js"
import { accept, type Decide, show } from "./SessionCommand.js"

/** Archives the session if it has expired; else does nothing. */
export const decide: Decide<"Expire"> = (_flow, state, _command, turn) => {
  const { session } = state
  if (session === null) return Exit.fail(Refusal.sessionInaccessible)
  const due = !session.isArchived && closedReason(state, turn) === "EXPIRED"
  return due ? accept({ type: "Expired", at: turn.nowMillis, from: session.state, owner: null }, "") : show(session, "")
}
