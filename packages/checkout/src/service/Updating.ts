/**
 * Updating: the way of an update from its caller to the session's lane, through Effect or without a fiber. The hot path:
 * where the port answers at once there is no closure, and nothing is made that a refusal does not need.
 *
 * Owns the order of steps 1-4 of CONTRACT §3 for an update; the rules themselves are in UpdateCheckoutSession and Access.
 */
import { type ActorSystem, AsyncContext, Running } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as UpdateCheckoutSession from "../commands/UpdateCheckoutSession.js"
import type { UpdateError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import type { Caller } from "../ports/Caller.js"
import { bounded, type Ports } from "../ports/Guard.js"
import type { IdsShape } from "../session/Ids.js"
import type { Sessions } from "../work/Alarms.js"
import type * as S from "./CheckoutSessions.js"

/** What an update works with. */
export interface Updates {
  readonly flow: Flow
  readonly ports: Ports
  readonly sessions: Sessions
  readonly ids: IdsShape
  /** Captures the async context of a call whose ports are asked later than on its stack. */
  readonly asyncContext: AsyncContext.Capture | null
}

/** An update for a door without fibers: its answer, or what it is waited for with. */
export type StartUpdate = (
  caller: Caller,
  input: S.UpdateInput
) => Exit.Exit<S.Updated, UpdateError> | ActorSystem.Waiting<S.Updated, UpdateError>

/**
 * The same by callback: `onExit` is called on the spot (and null returned), or later. The returned function withdraws the
 * update: true when it was certainly not applied and `onExit` is never called, false when the answer still comes.
 */
export type UpdateNow = (
  caller: Caller,
  input: S.UpdateInput,
  onExit: (exit: Exit.Exit<S.Updated, UpdateError>) => void
) => (() => boolean) | null

// A session refuses an update with an update's errors only; the mailbox's type is the union of all commands.
type Answer<A> = Effect.Effect<A, any>

/** An update as an effect, begun when called. */
export const update = (parts: Updates, caller: Caller, input: S.UpdateInput): Answer<S.Updated> => {
  const asked = parts.ports.access.mayInvoke(caller, "update")
  if (Running.isExit(asked) && Exit.isSuccess(asked)) return updateIf(asked.value, parts, caller, input)
  return updateOnce(asked, parts, caller, input)
}

const updateOnce = (
  asked: ReturnType<Ports["access"]["mayInvoke"]>,
  parts: Updates,
  caller: Caller,
  input: S.UpdateInput
): Answer<S.Updated> =>
  Effect.flatMap(bounded(parts.ports, "access", asked), (allowed) => updateIf(allowed, parts, caller, input))

const updateIf = (allowed: boolean, parts: Updates, caller: Caller, input: S.UpdateInput): Answer<S.Updated> => {
  if (!allowed) return Exit.fail(Refusal.actionNotPermitted)
  const found = find(parts, input)
  const made = UpdateCheckoutSession.make(parts.flow, caller, input, parts.ids, found !== undefined)
  return "tag" in made ? parts.sessions.unsafeAsk(input.checkoutSessionId, made, found) : Exit.fail(made)
}

// The input is still unseen: it may be anything, or nothing.
const find = ({ sessions }: Updates, input: S.UpdateInput | null | undefined): ActorSystem.Found | undefined =>
  input === null || input === undefined ? undefined : sessions.find(input.checkoutSessionId)

/** An update without a fiber: see `CheckoutEngineShape.startUpdate`. */
export const makeStartUpdate =
  (parts: Updates, runtime: Runtime.Runtime<never>): StartUpdate =>
  (caller, input) => {
    const asked = parts.ports.access.mayInvoke(caller, "update")
    if (!Running.isExit(asked) || Exit.isFailure(asked))
      return startFiber(parts, runtime, updateOnce(asked, parts, caller, input))
    if (!asked.value) return Exit.fail(Refusal.actionNotPermitted)
    const found = find(parts, input)
    const made = UpdateCheckoutSession.make(parts.flow, caller, input, parts.ids, found !== undefined)
    if (!("tag" in made)) return Exit.fail(made)
    return parts.sessions.askNow(input.checkoutSessionId, made, found) as ReturnType<StartUpdate>
  }

const startFiber = (
  parts: Updates,
  runtime: Runtime.Runtime<never>,
  updating: Answer<S.Updated>
): ActorSystem.Waiting<S.Updated, UpdateError> => {
  const context = AsyncContext.optionsOf(parts.asyncContext?.(), runtime)
  let leave = (): void => {}
  return {
    listen: (onExit) => {
      leave = Runtime.runCallback(runtime)(updating, { onExit, ...context })
    },
    withdraw: () => {
      leave()
      return false
    }
  }
}

/** The same by callback: see `CheckoutEngineShape.updateNow`. */
export const makeUpdateNow =
  (startUpdate: StartUpdate): UpdateNow =>
  (caller, input, onExit) => {
    const started = startUpdate(caller, input)
    if ("listen" in started) {
      started.listen(onExit)
      return started.withdraw
    }
    onExit(started)
    return null
  }
