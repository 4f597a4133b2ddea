/**
 * Starts: the calls that begin on the caller's stack, for Promise and HTTP APIs: each gives its answer, or a `Waiting` that calls
 * back with it and can withdraw the call. Only what has to be waited for gets a fiber.
 *
 * Unlike the service they take caller and input as they are: neither may change until the answer is there.
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

/** Begins the calls of a service that gives effects; what is no `Exit` gets a fiber. */
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
  const ofEffect = <A, E>(effect: Effect.Effect<A, E>): Answer.Answer<A, E> =>
    Answer.fromEffect(effect, runtime, parts.asyncContext)
  const waiting =
    <I, A extends { readonly session: CheckoutSession }, E>(
      start: (caller: Caller, input: I) => Answer.Answer<A, E>,
      refuse: Start<I, A, E>
    ): Start<I, A, E> =>
    (caller, input, wait) => {
      if (wait === undefined) return start(caller, input)
      if (Arrival.check(wait) !== null) return refuse(caller, input, wait)
      return Arrival.afterNow(start(caller, input), ({ session: { id, version } }, onExit) => {
        const after = { ...wait, afterVersion: version }
        const of = { checkoutSessionId: id }
        Arrival.begin({ ...Service.placeOf(parts, caller, of, after), run }, of, after, onExit)
      })
    }
  return {
    startOpen: waiting((caller, input) => ofEffect(Service.open(parts, caller, input)), startOpen),
    startUpdate: waiting(Updating.makeStartUpdate(parts, runtime), startUpdate),
    startCompleteTask: waiting(
      (caller, input) => ofEffect(Service.completeTask(parts, caller, input)),
      startCompleteTask
    ),
    startGet: (caller, input, wait) =>
      wait === undefined ? ofEffect(Service.get(parts, caller, input)) : startGet(caller, input, wait)
  }
}
