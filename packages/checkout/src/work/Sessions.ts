/**
 * Sessions: the mailboxes of all sessions, typed by command: a session refuses a command with the errors of that command only.
 * The rules are checked against the same table (`CommandErrors`), so a method's declared errors are the compiler's to verify.
 */
import type { ActorSystem, Answer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ErrorOf, SessionCommand, SessionReply } from "../commands/SessionCommand.js"
import type { CheckoutError, Overloaded, SessionInaccessible, StorageUnavailable } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { SessionState } from "../session/SessionState.js"

type Untyped = ActorSystem.ActorSystem<
  SessionState,
  SessionCommand,
  SessionReply,
  CheckoutError,
  StorageUnavailable | Overloaded
>

/** The mailboxes of all sessions. */
export interface Sessions extends Omit<Untyped, "send" | "ask" | "askInternal" | "follow"> {
  /** As `ActorSystem`; a session that was removed is one that does not exist. */
  readonly follow: (id: string, afterSequence: number) => Effect.Effect<ActorSystem.Feed<Ended>, never, Scope.Scope>
  /** Sends a command: its durable answer, or what it is waited for with. */
  readonly send: <C extends SessionCommand>(
    id: string,
    command: C,
    found?: ActorSystem.Found
  ) => Answer.Answer<SessionReply, ErrorOf<C["tag"]>>
  /** The same as an effect: sends when it is run. */
  readonly ask: <C extends SessionCommand>(id: string, command: C) => Effect.Effect<SessionReply, ErrorOf<C["tag"]>>
  /** The same for the engine itself: no bound, and still taken while draining. */
  readonly askInternal: Sessions["ask"]
}

type Ended = StorageUnavailable | Overloaded | SessionInaccessible

const endedBy = (error: StorageUnavailable | Overloaded): Ended =>
  error.reason === "REMOVED" ? Refusal.sessionInaccessible : error

/** Types the mailboxes by command. The one assertion: the engine hands on what the rule of that command said, or its own two errors. */
export const typed = (system: Untyped): Sessions => {
  const follow: Sessions["follow"] = (id, after) =>
    Effect.map(system.follow(id, after), ({ next, wake }) => ({ next: Effect.mapError(next, endedBy), wake }))
  return { ...system, follow } as Sessions
}
