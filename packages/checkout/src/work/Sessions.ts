/**
 * Sessions: the actors of all sessions, typed by command: a command fails with its own errors only. Rules are checked
 * against the same table (`CommandErrors`), so the compiler verifies the declared errors of every method.
 */
import type { ActorSystem, Answer } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
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

/** The actors of all sessions. */
export interface Sessions extends Omit<Untyped, "send" | "ask" | "sendInternal" | "askInternal" | "follow"> {
  /** As in `ActorSystem`, but a removed session fails with `SessionInaccessible`. */
  readonly follow: (id: string) => ActorSystem.Feed<Ended>
  /** Sends a command. Returns its durable answer, or a `Waiting` that calls back with it. */
  readonly send: <C extends SessionCommand>(
    id: string,
    command: C,
    found?: ActorSystem.Found
  ) => Answer.Answer<SessionReply, ErrorOf<C["tag"]>>
  /** Sends a command when the effect is run, and succeeds with its durable answer. */
  readonly ask: <C extends SessionCommand>(id: string, command: C) => Effect.Effect<SessionReply, ErrorOf<C["tag"]>>
  /** `send` for the engine itself: not limited, and still accepted while draining. */
  readonly sendInternal: <C extends SessionCommand>(
    id: string,
    command: C
  ) => Answer.Answer<SessionReply, ErrorOf<C["tag"]>>
  /** `sendInternal` as an effect. */
  readonly askInternal: Sessions["ask"]
}

type Ended = StorageUnavailable | Overloaded | SessionInaccessible

const endedBy = (error: StorageUnavailable | Overloaded): Ended =>
  error.reason === "REMOVED" ? Refusal.sessionInaccessible : error

class SessionFeed implements ActorSystem.Feed<Ended> {
  constructor(private readonly feed: ActorSystem.Feed<StorageUnavailable | Overloaded>) {}
  ask(afterSequence: number, onPage: ActorSystem.OnPage<Ended>): void {
    this.feed.ask(afterSequence, (exit) => onPage(Exit.isSuccess(exit) ? exit : Exit.mapError(exit, endedBy)))
  }
  withdraw(): void {
    this.feed.withdraw()
  }
  leave(): void {
    this.feed.leave()
  }
}

/**
 * Types the actors by command. The only assertion: the engine returns errors of that command's rule, or its own two.
 */
export const typed = (system: Untyped): Sessions =>
  ({ ...system, follow: (id) => new SessionFeed(system.follow(id)) }) as Sessions
