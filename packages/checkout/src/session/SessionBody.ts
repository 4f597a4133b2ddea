/**
 * SessionBody: declares the session's data as the body of its state, which the journal stores apart. An event changes
 * the data only through its merge patch.
 */
import type { Behavior } from "@onelane/engine"
import type { SessionCommand } from "../commands/SessionCommand.js"
import type { JsonObject } from "./Json.js"
import type { SessionEvent } from "./SessionEvent.js"
import type { SessionState } from "./SessionState.js"

const withData = (state: SessionState, fields: JsonObject | null): SessionState => {
  if (state.session === null) throw new Error("data of a session that was not opened")
  return { ...state, session: { ...state.session, data: fields } }
}

/** The data, for the engine. */
export const body: Behavior.Body<SessionState, SessionCommand, SessionEvent> = {
  of: ({ session }) => (session === null ? null : session.data),
  without: (state) => (state.session === null || state.session.data === null ? state : withData(state, null)),
  with: (state, stored) => {
    if (typeof stored !== "object" || stored === null || Array.isArray(stored))
      throw new Error("stored value is not the data of a checkout session")
    return withData(state, stored as JsonObject)
  },
  changeOf: (event) => ("data" in event ? event.data : undefined),
  heldBy: (command) => ("data" in command ? command.data : undefined)
}
