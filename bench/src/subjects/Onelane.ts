/**
 * Onelane: ours, as a user gets it: the whole service with every check, and with all limits and the fairness valve at
 * their defaults. The flow is `any`, so that a session can run in a cycle without end.
 */
import { Access, Caller, Carts, CheckoutEngine, type CheckoutError, CheckoutSessions, Flow } from "@onelane/checkout"
import { type Journal, JournalMemory } from "@onelane/engine"
import { Onelane } from "@onelane/sdk"
import { type Cause, Effect, Exit, Layer, ManagedRuntime } from "effect"
import type { EffectDoor, PromiseDoor } from "../Load.js"
import type { Seen } from "../Log.js"
import { ofEffects, ofPromises, type Subject } from "../Runner.js"

/** The embedded engine over a journal; ports that allow everything and answer at once. */
export const engineOver = <E>(
  journal: Layer.Layer<Journal.Journal, E>,
  access: Layer.Layer<Access.Access> = Access.layerTrusted,
  options: Partial<CheckoutEngine.CheckoutEngineOptions> = {}
) =>
  CheckoutEngine.layer({ flow: Flow.any, ...options }).pipe(
    Layer.provide(Layer.mergeAll(journal, access, Carts.layerTrusted))
  )

/** Access whose answers are effects that must be run, as a host's own would be. */
const effectful = Layer.succeed(Access.Access, {
  mayInvoke: () => Effect.sync(() => true),
  rights: () => Effect.sync(() => Access.everyRight)
})

const accepted = (answer: CheckoutSessions.Updated, seen: Seen): void => {
  const { session } = answer
  seen.outcome = "ok"
  seen.version = session.version
  seen.state = session.state
}

const refused = (error: CheckoutError.UpdateError, seen: Seen): void => {
  seen.outcome = error.applied === "no" ? "fail" : "info"
  seen.version = -1
  if (!("current" in error) || error.current === null) return
  seen.version = error.current.version
  seen.state = error.current.state
}

/** The service as an Effect API. */
export const effectDoor = (
  sessions: CheckoutSessions.CheckoutSessionsShape
): EffectDoor<CheckoutSessions.Updated, CheckoutError.UpdateError> => ({
  update: (checkoutSessionId, expCurrentState, nextState) =>
    sessions.update(Caller.host, { checkoutSessionId, expCurrentState, nextState }),
  accepted,
  refused
})

/** An answer of the Promise API. */
export type Result =
  | { readonly ok: true; readonly value: CheckoutSessions.Updated }
  | { readonly ok: false; readonly error: { readonly _tag: string } }

/** Reads an answer of the Promise API. */
export const seeResult = (result: Result, seen: Seen): void => {
  if (result.ok) accepted(result.value, seen)
  else refused(result.error as CheckoutError.UpdateError, seen)
}

/** Opens sessions through the service. */
export const openThrough = (sessions: CheckoutSessions.CheckoutSessionsShape, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => `cart-${index}`),
    (cartId) => Effect.map(sessions.open(Caller.host, { cartId }), ({ session }) => session.id),
    { concurrency: 256 }
  )

/** Ours over any journal, through Effect. */
export const onelaneOver = async <E>(
  layer: Layer.Layer<CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine, E>
): Promise<Subject> => {
  const runtime = ManagedRuntime.make(layer)
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  return ofEffects(effectDoor(sessions), {
    open: (count) => runtime.runPromise(openThrough(sessions, count)),
    close: () => runtime.dispose()
  })
}

/** Ours in memory, through Effect. */
export const onelaneEffect = (): Promise<Subject> => onelaneOver(engineOver(JournalMemory.layer))

/** The same with a port that has to be run. */
export const onelaneEffectfulPort = (): Promise<Subject> => onelaneOver(engineOver(JournalMemory.layer, effectful))

/** Ours through Promises: the SDK with its defaults, in memory or over a file. */
export const onelanePromise = async (storage = ":memory:"): Promise<Subject> => {
  const checkout = await Onelane.open({ storage, flow: Flow.any })
  const door: PromiseDoor<Result> = {
    update: (checkoutSessionId, expCurrentState, nextState) =>
      checkout.update({ checkoutSessionId, expCurrentState, nextState }),
    see: seeResult
  }
  return ofPromises(door, {
    open: async (count) => {
      const ids: Array<string> = []
      for (let index = 0; index < count; index++) {
        const { session } = await checkout.openOrThrow({ cartId: `cart-${index}` })
        ids.push(session.id)
      }
      return ids
    },
    close: () => checkout.close()
  })
}

/**
 * Ours over any journal through Promises, by the engine's `startUpdate`, which the HTTP listener uses too: no fiber a
 * call and no idempotency key.
 */
export const onelanePromiseOver = async <E>(
  layer: Layer.Layer<CheckoutSessions.CheckoutSessions | CheckoutEngine.CheckoutEngine, E>
): Promise<Subject> => {
  const runtime = ManagedRuntime.make(layer)
  const { startUpdate } = await runtime.runPromise(CheckoutEngine.CheckoutEngine)
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  type Answered = Exit.Exit<CheckoutSessions.Updated, CheckoutError.UpdateError>
  const update = (checkoutSessionId: string, expCurrentState: string, nextState: string): Promise<Answered> => {
    const started = startUpdate(Caller.host, { checkoutSessionId, expCurrentState, nextState })
    return "listen" in started ? new Promise((resolve) => started.listen(resolve)) : Promise.resolve(started)
  }
  const see = (exit: Answered, seen: Seen): void => {
    if (Exit.isSuccess(exit)) accepted(exit.value, seen)
    else refused((exit.cause as Cause.Fail<CheckoutError.UpdateError>).error, seen)
  }
  return ofPromises(
    { update, see },
    { open: (count) => runtime.runPromise(openThrough(sessions, count)), close: () => runtime.dispose() }
  )
}

/** The same in memory: the difference to the SDK is the cost of a key. */
export const onelanePromiseWithoutKeys = (): Promise<Subject> => onelanePromiseOver(engineOver(JournalMemory.layer))
