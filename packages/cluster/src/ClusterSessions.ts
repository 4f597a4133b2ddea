/**
 * ClusterSessions: the service on many nodes. Any node answers any call. A call that changes a session is forwarded to
 * the node that owns the session; when that node cannot be reached, this node answers.
 *
 * Ownership is for speed: it brings concurrent calls for one session into one mailbox. Safety comes from the journal's
 * fence (A4), which holds on every node; failover therefore needs nothing more than another node.
 */
import {
  Arrival,
  type Caller,
  type CheckoutEngine,
  type CheckoutError,
  type CheckoutSession,
  type CheckoutSessions,
  Ids,
  Json,
  MergePatch
} from "@onelane/checkout"
import { Answer } from "@onelane/engine"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Runtime from "effect/Runtime"
import type { Membership } from "./Membership.js"
import type * as Peer from "./Peer.js"
import type * as PeerCalls from "./PeerCalls.js"

type Service = CheckoutSessions.CheckoutSessionsShape

interface Input {
  readonly checkoutSessionId?: unknown
  readonly idempotencyKey?: unknown
  readonly data?: unknown
}

/** Creates the service of one node from its own engine and its view of the cluster. */
export const make = (here: Service, membership: Membership): Service => {
  const route =
    (method: Exclude<PeerCalls.Method, "get" | "inspect">) =>
    (caller: Caller.Caller, given: Input): Effect.Effect<any, any> =>
      Effect.suspend(() => {
        const owner = ownerOf(membership, given)
        const input = owner === null ? given : withPatch(given)
        const stay = () => here[method](caller, input as never) as Effect.Effect<unknown, unknown>
        // An invalid patch is refused here: it cannot be sent.
        if (owner !== null && input.data instanceof Json.JsonFault) return stay()
        return owner === null ? stay() : forward(owner, method, caller, input, stay)
      })
  // A wait that gets here is malformed and is refused here.
  const routeUnlessWaiting =
    (method: "update" | "completeTask") =>
    (caller: Caller.Caller, input: Input, wait?: CheckoutSessions.Wait): Effect.Effect<any, any> =>
      wait === undefined ? route(method)(caller, input) : here[method](caller, input as never, wait)
  const get: Service["get"] = (caller, input, wait) =>
    wait === undefined ? here.get(caller, input) : arrive(here, membership, caller, input, wait)
  const starting = {
    open: here.open,
    update: routeUnlessWaiting("update"),
    completeTask: routeUnlessWaiting("completeTask")
  }
  return {
    ...here,
    // The owner answers at once and the wait is a second call, so the outcome is known even if the owner dies during
    // the wait.
    ...Arrival.apart(starting, get),
    get,
    cancel: route("cancel"),
    failTask: route("failTask"),
    releaseClaim: route("releaseClaim"),
    move: route("move")
  }
}

/**
 * Waits at the owner, which is notified of each commit. If the owner is unreachable, waits here for the rest of the
 * time.
 */
const arrive = (
  here: Service,
  membership: Membership,
  caller: Caller.Caller,
  input: CheckoutSessions.SessionInput,
  wait: CheckoutSessions.WaitAfter
): ReturnType<Service["get"]> =>
  Effect.flatMap(Clock.currentTimeMillis, (beganAt) => {
    const owner = Arrival.checkAfter(wait) === null ? ownerOf(membership, input) : null
    const stay = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      here.get(caller, input, owner === null ? wait : Arrival.rest(wait, now - beganAt))
    )
    if (owner === null) return stay
    return Effect.async<CheckoutSession.CheckoutSession, CheckoutError.AccessError>((resume) => {
      const leave = owner.ask("get", caller, { ...input, wait } satisfies PeerCalls.Arrival, (outcome) => {
        if (outcome._tag === "Answered") return resume(Effect.succeed(outcome.value as CheckoutSession.CheckoutSession))
        resume(outcome._tag === "Refused" && !isLeft(outcome.error) ? Exit.fail(outcome.error as never) : stay)
      })
      return Effect.sync(leave)
    })
  })

// The message format supports more than JSON, so the patch is checked first. Only a well-formed input has an owner.
const withPatch = (input: Input): Input =>
  input.data === undefined ? input : { ...input, data: MergePatch.take(input.data) }

/** The node that owns the session of an input; null if it is this one, or if nobody owns it. */
const ownerOf = (membership: Membership, input: Input): Peer.Peer | null => {
  const id = Object(input).checkoutSessionId
  return typeof id === "string" && Ids.isSessionId(id) ? membership.ownerOf(id) : null
}

type StartUpdate = CheckoutEngine.CheckoutEngineShape["startUpdate"]

/** Sends an update: without a fiber if this node owns the session, through the service otherwise. */
export const makeStartUpdate =
  (here: StartUpdate, sessions: Service, membership: Membership, runtime: Runtime.Runtime<never>): StartUpdate =>
  (caller, input, wait) =>
    wait === undefined && ownerOf(membership, input) === null
      ? here(caller, input)
      : Answer.fromEffect(sessions.update(caller, input, wait), runtime)

const forward = (
  owner: Peer.Peer,
  method: PeerCalls.Method,
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
  if (outcome._tag === "Refused") return isLeft(outcome.error) ? stay() : Exit.fail(outcome.error)
  return typeof input.idempotencyKey === "string" ? askAgain(stay()) : Exit.fail(unknown)
}

/**
 * The owner did not take the call: it is closing, or its flow is older than the session or than the caller's states,
 * which this node may know.
 */
const isLeft = (error: unknown): boolean => {
  const { _tag, reason } = Object(error)
  return (
    _tag === "InvalidState" ||
    (_tag === "Overloaded" && reason === "DRAINING") ||
    (_tag === "StorageUnavailable" && reason === "FLOW_VERSION")
  )
}

/**
 * A lost call with a key may be retried: an acceptance is then the only one. A refusal proves nothing, because the lost
 * call may still arrive.
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
