/**
 * CheckoutBehavior: the actor of a session. Maps a command's tag to its rule and to the ports that a turn reads first.
 */
import { Behavior } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CheckoutError } from "../errors/CheckoutError.js"
import type { Flow } from "../flow/Flow.js"
import type { Action } from "../ports/Access.js"
import { type Facts, noFacts, type Ports, readCart, readFacts } from "../ports/Guard.js"
import { body } from "../session/SessionBody.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { alarm, decode, evolve, evolveAt, initial, type SessionState } from "../session/SessionState.js"
import * as CancelCheckout from "./CancelCheckout.js"
import * as CloseOperation from "./CloseOperation.js"
import * as CompleteTask from "./CompleteTask.js"
import * as Expire from "./Expire.js"
import * as FailTask from "./FailTask.js"
import * as MigrateSession from "./MigrateSession.js"
import * as MoveSession from "./MoveSession.js"
import * as OpenCheckoutSession from "./OpenCheckoutSession.js"
import * as ReadCheckoutSession from "./ReadCheckoutSession.js"
import * as ReleaseClaim from "./ReleaseClaim.js"
import { type Decided, digestsWith, type SessionCommand, type SessionReply } from "./SessionCommand.js"
import * as UpdateCheckoutSession from "./UpdateCheckoutSession.js"

/** The behavior of a checkout session. */
export type CheckoutBehavior = Behavior.Behavior<
  SessionState,
  SessionCommand,
  SessionEvent,
  SessionReply,
  CheckoutError,
  Facts
>

// An open was authorised with its cart; other commands are authorised with the session they name.
const actions: { readonly [Tag in Exclude<SessionCommand["tag"], "Open" | "Expire">]: Action } = {
  Update: "update",
  Read: "read",
  Cancel: "cancel",
  CompleteTask: "complete-task",
  FailTask: "complete-task",
  ReleaseClaim: "release-claim",
  Move: "move"
}

const nothing = Exit.succeed(noFacts)

/**
 * Creates the behavior of a flow over the two ports. `keepsFlow`: sessions keep the flow version that wrote them, and
 * none is migrated; for tools that do not know the flow.
 */
export const make = (flow: Flow, ports: Ports, keepsFlow = false): CheckoutBehavior => ({
  kind: "session",
  initial,
  prepare: (state, command): Effect.Effect<Facts, CheckoutError> => {
    const { session } = state
    if (session === null || command.tag === "Open" || command.tag === "Expire") return nothing
    if (command.caller === null) return asksCart(flow, state, command) ? readCart(ports, session.cartId) : nothing
    return readFacts(ports, command.caller, actions[command.tag], session)
  },
  digestsOf,
  decide: (state, command, turn): Decided => {
    switch (command.tag) {
      case "Open":
        return OpenCheckoutSession.decide(flow, state, command, turn)
      case "Update":
        return UpdateCheckoutSession.decide(flow, state, command, turn)
      case "Read":
        return ReadCheckoutSession.decide(flow, state, command, turn)
      case "Cancel":
        return CancelCheckout.decide(flow, state, command, turn)
      case "CompleteTask":
        return CompleteTask.decide(flow, state, command, turn)
      case "FailTask":
        return FailTask.decide(flow, state, command, turn)
      case "ReleaseClaim":
        return ReleaseClaim.decide(flow, state, command, turn)
      case "Move":
        return MoveSession.decide(flow, state, command, turn)
      case "Expire":
        return Expire.decide(flow, state, command, turn)
    }
  },
  evolve: keepsFlow ? evolve : evolveAt(flow.version),
  decode,
  migrate: keepsFlow ? undefined : (state, turn) => MigrateSession.decide(flow, state, turn),
  alarm,
  body
})

// Without a caller, the cart is read only to compare its revision, or if the next state proceeds.
const asksCart = (flow: Flow, { cartRevision = null, session }: SessionState, command: SessionCommand): boolean =>
  cartRevision !== null ||
  (command.tag === "CompleteTask" && flow.arrivals.has(command.next ?? session?.nextState ?? ""))

const digestsOf = (state: SessionState, command: SessionCommand): ReadonlyArray<string> => {
  switch (command.tag) {
    case "Read":
    case "Expire":
      return Behavior.noDigests
    case "CompleteTask":
    case "FailTask":
    case "ReleaseClaim":
      return digestsWith(command.use, ...CloseOperation.digestsOf(state, command))
    default:
      return command.use === null || command.use === undefined ? Behavior.noDigests : [command.use.digest]
  }
}
