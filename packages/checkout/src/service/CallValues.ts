/**
 * CallValues: wraps a service so that it copies caller and input when a method is called. Later changes by their owner,
 * while the call waits or is retried, have no effect.
 */
import * as Effect from "effect/Effect"
import * as CancelCheckout from "../commands/CancelCheckout.js"
import * as CompleteTask from "../commands/CompleteTask.js"
import * as FailTask from "../commands/FailTask.js"
import * as Input from "../commands/Input.js"
import * as MoveSession from "../commands/MoveSession.js"
import * as OpenCheckoutSession from "../commands/OpenCheckoutSession.js"
import * as ReadCheckoutSession from "../commands/ReadCheckoutSession.js"
import * as ReleaseClaim from "../commands/ReleaseClaim.js"
import * as UpdateCheckoutSession from "../commands/UpdateCheckoutSession.js"
import type * as Caller from "../ports/Caller.js"
import * as Arrival from "./Arrival.js"
import type { SessionCalls, SessionsInput, Wait } from "./CheckoutSessions.js"
import * as Listing from "./Listing.js"
import * as OpenClaims from "./OpenClaims.js"

// A caller that was copied already, by a service around this one.
class TakenCaller implements Caller.Caller {
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  readonly actingAccountId: string | null
  constructor({ userId, roles, actingAccountId }: Caller.Caller) {
    this.userId = userId
    this.roles = [...roles]
    this.actingAccountId = actingAccountId
  }
}

const takeCaller = (caller: Caller.Caller): Caller.Caller =>
  caller instanceof TakenCaller ? caller : new TakenCaller(caller)

type Method<I, W, A> = (caller: Caller.Caller, input: I, wait?: W) => A

// A getter that throws is a defect of the call, not an exception.
const taking =
  <I extends object, W extends Wait, A, E, R>(method: Method<I, W, Effect.Effect<A, E, R>>, take: (input: I) => I) =>
  (caller: Caller.Caller, input: I, wait?: W): Effect.Effect<A, E, R> => {
    try {
      return method(takeCaller(caller), take(input), Arrival.take(wait))
    } catch (unreadable) {
      return Effect.die(unreadable)
    }
  }

const fieldsOf =
  (fields: Input.Fields) =>
  <I extends object>(input: I): I =>
    Input.take(input, fields)

const takeSessions = (input: SessionsInput): SessionsInput => {
  const taken = Input.take(input, Listing.fields)
  return Array.isArray(taken?.state) ? { ...taken, state: taken.state.slice(0, Listing.statesMaxCount + 1) } : taken
}

/** Copies of inputs, for callers of `Starts`. */
export const takes = {
  open: OpenCheckoutSession.take,
  update: UpdateCheckoutSession.take,
  get: fieldsOf(ReadCheckoutSession.fields),
  completeTask: CompleteTask.take
}

/** The same service, by value. */
export const make = (service: SessionCalls): SessionCalls => ({
  open: taking(service.open, takes.open),
  update: taking(service.update, takes.update),
  get: taking(service.get, takes.get),
  find: taking(service.find, fieldsOf(ReadCheckoutSession.cart)),
  cancel: taking(service.cancel, fieldsOf(CancelCheckout.fields)),
  history: taking(service.history, fieldsOf(ReadCheckoutSession.page)),
  follow: taking(service.follow, fieldsOf(ReadCheckoutSession.from)),
  completeTask: taking(service.completeTask, takes.completeTask),
  failTask: taking(service.failTask, fieldsOf(FailTask.fields)),
  releaseClaim: taking(service.releaseClaim, fieldsOf(ReleaseClaim.fields)),
  move: taking(service.move, fieldsOf(MoveSession.fields)),
  sessions: taking(service.sessions, takeSessions),
  claims: taking(service.claims, fieldsOf(OpenClaims.fields))
})
