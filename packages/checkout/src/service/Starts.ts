/**
 * Starts: the calls that begin on the caller's stack, for Promise and HTTP APIs. Each returns its answer, or a
 * `Waiting` that calls back with it and can cancel the call. Only a call that has to wait gets a fiber.
 *
 * Unlike the service, they do not copy caller and input: neither may change before the answer.
 */
import { Answer, type AsyncContext, EffectRunner } from "@onelane/engine"
import type * as Effect from "effect/Effect"
import type * as Runtime from "effect/Runtime"
import type { AccessError, CompleteError, OpenError, UpdateError } from "../errors/CheckoutError.js"
import type { Caller } from "../ports/Caller.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import * as Arrival from "./Arrival.js"
import * as Service from "./CheckoutService.js"
import type * as S from "./CheckoutSessions.js"
import * as Updating from "./Updating.js"

/** Begins a call; with `wait` it is answered once its session has arrived. */
export type Start<I, A, E> = (caller: Caller, input: I, wait?: S.Wait) => Answer.Answer<A & Partial<S.Arrived>, E>

/** The calls. */
export interface Starts {
  readonly startOpen: Start<S.OpenInput, S.Opened, OpenError>
  readonly startUpdate: Start<S.UpdateInput, S.Updated, UpdateError>
  readonly startCompleteTask: Start<S.CompleteTaskInput, S.Changed, CompleteError>
  readonly startGet: (
    caller: Caller,
    input: S.SessionInput,
    wait?: S.WaitAfter
  ) => Answer.Answer<CheckoutSession, AccessError>
}

/** Begins the calls of a service that returns effects; an effect that is no `Exit` gets a fiber. */
export const ofCalls = (
  { completeTask, get, open, update }: S.SessionCalls,
  runtime: Runtime.Runtime<never>,
  capture: AsyncContext.Capture | null = null
): Starts => {
  const start =
    <I, W, A, E>(call: (caller: Caller, input: I, wait?: W) => Effect.Effect<A, E>) =>
    (caller: Caller, input: I, wait?: W): Answer.Answer<A, E> =>
      Answer.fromEffect(call(caller, input, wait), runtime, capture)
  return {
    startOpen: start(open),
    startUpdate: start(update),
    startCompleteTask: start(completeTask),
    startGet: start(get)
  }
}

/** Begins the calls of an engine. `calls`: the same calls as effects, which refuse a malformed wait. */
export const make = (parts: Service.Parts, calls: S.SessionCalls, runtime: Runtime.Runtime<never>): Starts => {
  const run = EffectRunner.runWith(runtime)
  const { startCompleteTask, startGet, startOpen, startUpdate } = ofCalls(calls, runtime, parts.asyncContext)
  const waiting =
    <I, A extends { readonly session: CheckoutSession }, E>(
      begin: (parts: Service.Parts, caller: Caller, input: I) => Effect.Effect<A, E> | Answer.Waiting<A, E>,
      refuse: Start<I, A, E>
    ): Start<I, A, E> =>
    (caller, input, wait) => {
      if (wait !== undefined && Arrival.check(wait) !== null) return refuse(caller, input, wait)
      const started = Answer.fromEffect(begin(parts, caller, input), runtime, parts.asyncContext)
      if (wait === undefined) return started
      return Arrival.afterNow(started, ({ session: { id, version } }, onExit) => {
        const after = { ...wait, afterVersion: version }
        const of = { checkoutSessionId: id }
        Arrival.begin({ ...Service.placeOf(parts, caller, of, after), run }, of, after, onExit)
      })
    }
  return {
    startOpen: waiting(Service.open, startOpen),
    startUpdate: waiting(Updating.begin, startUpdate),
    startCompleteTask: waiting(Service.completeTask, startCompleteTask),
    startGet: (caller, input, wait) =>
      wait === undefined
        ? Answer.fromEffect(Service.get(parts, caller, input), runtime, parts.asyncContext)
        : startGet(caller, input, wait)
  }
}
