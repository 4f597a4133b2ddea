/**
 * ReleaseClaim: an operator takes a claim away. The session stays in its state and can be updated again; who did it and
 * why is in the history; a later result of the task is refused. Source: SEMANTICS §4.
 */
import * as Either from "effect/Either"
import * as CloseOperation from "./CloseOperation.js"
import * as Input from "./Input.js"
import { accept, type Decide } from "./SessionCommand.js"

/** Steps 2-3. */
export const check = CloseOperation.checkWith({ reason: Input.textUpTo(CloseOperation.messageMaxLength) })

/** Releases the claim, once. */
export const decide: Decide<"ReleaseClaim"> = (_flow, state, command, turn) =>
  Either.flatMap(CloseOperation.current(state, command, turn), ({ state: from, lastRequestId }) => {
    const { operationId, reason, caller } = command
    const event = { type: "ClaimReleased", at: turn.nowMillis, from, by: caller.userId, operationId, reason } as const
    return accept(event, lastRequestId ?? "")
  })
