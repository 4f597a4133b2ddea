/**
 * Updating: sends an update to the session's actor, as an effect or without a fiber. The hot path: if the port answers
 * synchronously there is no closure, and nothing is allocated that a refusal does not need.
 *
 * Owns the order of steps 1-4 of CONTRACT §3 for an update; the rules themselves are in UpdateCheckoutSession and
 * Access.
 */
import { Answer, type AsyncContext, EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as UpdateCheckoutSession from "../commands/UpdateCheckoutSession.js"
import type { UpdateError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import type { Caller } from "../ports/Caller.js"
import { bounded, type Ports } from "../ports/Guard.js"
import type { IdsShape } from "../session/Ids.js"
import type { Sessions } from "../work/Sessions.js"
import type * as S from "./CheckoutSessions.js"

/** The parts an update works with. */
export interface Updates {
  readonly flow: Flow
  readonly ports: Ports
  readonly sessions: Sessions
  readonly ids: IdsShape
  /** Captures the async context of a call whose ports may run later. */
  readonly asyncContext: AsyncContext.Capture | null
}

/**
 * Begins an update on the caller's stack. Returns its answer or a `Waiting`; an effect only if a port must be awaited
 * first.
 */
export const begin = (
  parts: Updates,
  caller: Caller,
  input: S.UpdateInput
): Effect.Effect<S.Updated, UpdateError> | Answer.Waiting<S.Updated, UpdateError> => {
  const asked = parts.ports.access.mayInvoke(caller, "update")
  if (EffectRunner.isExit(asked) && Exit.isSuccess(asked)) return send(parts, asked.value, caller, input)
  return Effect.flatMap(bounded(parts.ports, "access", asked), (allowed) =>
    Answer.toEffect(send(parts, allowed, caller, input))
  )
}

const send = (
  parts: Updates,
  allowed: boolean,
  caller: Caller,
  input: S.UpdateInput
): Answer.Answer<S.Updated, UpdateError> => {
  if (!allowed) return Exit.fail(Refusal.actionNotPermitted)
  const { flow, ids, sessions } = parts
  // The input is not validated yet: it may be anything.
  const found = input === null || input === undefined ? undefined : sessions.find(input.checkoutSessionId)
  const made = UpdateCheckoutSession.make(flow, caller, input, ids, found !== undefined)
  return "tag" in made ? sessions.send(input.checkoutSessionId, made, found) : Exit.fail(made)
}

/** An update as an effect. */
export const update = (parts: Updates, caller: Caller, input: S.UpdateInput): Effect.Effect<S.Updated, UpdateError> =>
  Effect.suspend(() => Answer.toEffect(begin(parts, caller, input)))
