/**
 * ClusterSessions: the service on many nodes. Any node answers any call; one that changes a session is forwarded to the
 * node that owns it, where the session's lane is, and is answered here when that node cannot be asked.
 *
 * Ownership is for speed: it keeps the racers of one session in one lane. Safety is the journal's fence (A4), which holds
 * whoever answers; that is why failing over is only a matter of asking elsewhere.
 */
import { type Caller, type CheckoutEngine, type CheckoutError, type CheckoutSessions, Ids } from "@onelane/checkout"
import { Answer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Runtime from "effect/Runtime"
import type { Membership } from "./Membership.js"
import type * as Peer from "./Peer.js"
import type { Method } from "./PeerCalls.js"

type Service = CheckoutSessions.CheckoutSessionsShape

interface Input {
  readonly checkoutSessionId?: unknown
  readonly idempotencyKey?: unknown
}

/** Makes the service of one node from its own engine and what it knows of the others. */
export const make = (here: Service, membership: Membership): Service => {
  const route =
    (method: Method) =>
    (caller: Caller.Caller, input: Input): Effect.Effect<any, any> =>
      Effect.suspend(() => {
        const owner = ownerOf(membership, input)
        const stay = () => here[method](caller, input as never) as Effect.Effect<unknown, unknown>
        return owner === null ? stay() : forward(owner, method, caller, input, stay)
      })
  return {
    ...here,
    update: route("update"),
    cancel: route("cancel"),
    completeTask: route("completeTask"),
    failTask: route("failTask"),
    releaseClaim: route("releaseClaim")
  }
}

/** The node that has the session of an input; null where it is this one, or nobody has it. */
const ownerOf = (membership: Membership, input: Input): Peer.Peer | null => {
  const id = Object(input).checkoutSessionId
  return typeof id === "string" && Ids.isSessionId(id) ? membership.ownerOf(id) : null
}

type StartUpdate = CheckoutEngine.CheckoutEngineShape["startUpdate"]

/** Sends an update: without a fiber to a session that is here, through the service to any other. */
export const makeStartUpdate =
  (here: StartUpdate, sessions: Service, membership: Membership, runtime: Runtime.Runtime<never>): StartUpdate =>
  (caller, input) =>
    ownerOf(membership, input) === null
      ? here(caller, input)
      : Answer.fromEffect(sessions.update(caller, input), runtime)

const forward = (
  owner: Peer.Peer,
  method: Method,
  caller: Caller.Caller,
  input: Input,
  stay: () => Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown> =>
  Effect.async((resume) => {
    const leave = owner.ask(method, caller, input, (outcome) => resume(conclude(outcome, input, stay)))
    return Effect.sync(leave)
  })

const conclude = (
  outcome: Peer.Outcome,
  input: Input,
  stay: () => Effect.Effect<unknown, unknown>
): Effect.Effect<unknown, unknown> => {
  if (outcome._tag === "Answered") return Exit.succeed(outcome.value)
  if (outcome._tag === "NotSent") return stay()
  if (outcome._tag === "Refused") return isLeaving(outcome.error) ? stay() : Exit.fail(outcome.error)
  return typeof input.idempotencyKey === "string" ? askAgain(stay()) : Exit.fail(unknown)
}

/** The owner is closing, and took nothing of it. */
const isLeaving = (error: unknown): boolean =>
  Object(error)._tag === "Overloaded" && Object(error).reason === "DRAINING"

/**
 * A call that was lost and carries a key may be asked again: an acceptance is then the one there is. A refusal says
 * nothing, because the call that was lost may yet arrive.
 */
const askAgain = (again: Effect.Effect<unknown, unknown>): Effect.Effect<unknown, unknown> =>
  Effect.catchAll(again, () => Exit.fail(unknown))

const unknown: CheckoutError.StorageUnavailable = {
  _tag: "StorageUnavailable",
  message: "The node that has this session gave no answer; the change may have been made.",
  retryable: true,
  applied: "unknown",
  reason: "NODE_LOST",
  retryAfterMillis: 1_000
}
