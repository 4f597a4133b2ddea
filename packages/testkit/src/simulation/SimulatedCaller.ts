/**
 * SimulatedCaller: one caller of a simulation. It remembers the last seen state of each session and mostly acts on it.
 * Sometimes it guesses, interrupts a call, retries an unknown outcome with its key, or repeats an old call. Source:
 * TARGETS, "Faults and load": half the load on one hot session, a quarter reads, three quarters informed.
 */
import { Caller, type CheckoutError, type CheckoutSession, type CheckoutSessions } from "@onelane/checkout"
import type { Seeded } from "@onelane/testing/Seeded"
import { Effect, Fiber } from "effect"
import type { Scenario } from "./Scenario.js"
import * as SimulatedData from "./SimulatedData.js"
import { renamed, states } from "./World.js"

type Service = CheckoutSessions.CheckoutSessionsShape
type Failed = CheckoutError.CheckoutError

/** What a caller remembers of a session. */
interface Seen {
  readonly state: string
  readonly version: number
  readonly operationId: string | null
}

/** Most steps of others before a caller interrupts its call, so at any point where a call can wait. */
const mostYields = 40

/** Tries of one update under one key. */
const tries = 4

/** The whole life of one caller. `service` gives an engine to call; each call may meet another. */
export const live = (
  process: number,
  scenario: Scenario,
  seeded: Seeded,
  service: () => Service
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const seen = new Map<string, Seen>()
    const keyed: Array<Act> = []
    yield* Effect.yieldNow() // The seed decides who is first.
    for (let call = 0; call < scenario.callsPerClient; call++) {
      const session = seeded.chance(0.5) ? "s0" : `s${seeded.below(scenario.sessions)}`
      const isAgain = keyed.length > 0 && scenario.repeats > 0 && seeded.chance(scenario.repeats)
      const act = isAgain
        ? seeded.pick(keyed)
        : choose(scenario, seeded, session, seen.get(session), process, `${process}-${call}`)
      if (!isAgain && act.repeatable) keyed.push(act)
      let answer = yield* once(act, service(), scenario, seeded)
      for (let again = 1; again < tries && act.repeatable && answer === "unknown"; again++) {
        answer = yield* once(act, service(), scenario, seeded)
      }
      // A replay shows an old state.
      if (typeof answer === "object" && !isAgain) seen.set(session, answer)
      if (seeded.chance(0.3)) yield* Effect.sleep(seeded.between(0, scenario.slowMillis))
    }
  })

interface Act {
  readonly run: (service: Service) => Effect.Effect<Seen, Failed>
  readonly repeatable: boolean
}

const { host } = Caller

const choose = (
  scenario: Scenario,
  seeded: Seeded,
  checkoutSessionId: string,
  seen: Seen | undefined,
  process: number,
  key: string
): Act => {
  const patch = () =>
    scenario.data !== "nobody" && seeded.chance(0.6) ? { data: SimulatedData.patchOf(seeded, process) } : {}
  const { operationId = null } = seen ?? {}
  const idempotencyKey = scenario.repeats > 0 && seeded.chance(scenario.keys) ? key : undefined
  // An open asks ports outside of the session's turn, which SimulatedPorts would take for a second turn.
  if (idempotencyKey !== undefined && scenario.slowPorts === 0 && seeded.chance(0.05)) {
    const input = { cartId: `cart-${checkoutSessionId}`, checkoutSessionId, idempotencyKey }
    return only((service) => service.open(host, input), true)
  }
  if (seeded.chance(0.25)) return look(checkoutSessionId)
  if (checkoutSessionId !== "s0" && seeded.chance(scenario.cancels)) {
    return only((service) => service.cancel(host, { checkoutSessionId, idempotencyKey }), idempotencyKey !== undefined)
  }
  if (operationId !== null && seeded.chance(0.5))
    return close(
      seeded,
      { checkoutSessionId, operationId, idempotencyKey },
      patch(),
      idempotencyKey !== undefined,
      scenario.chains && seeded.chance(0.5) ? seeded.pick(states) : undefined
    )
  const known = scenario.migrates && !scenario.chains ? [...states, ...Object.values(renamed)] : states
  const informed = seen !== undefined && seeded.chance(0.75)
  const expCurrentState = informed ? seen.state : seeded.pick(known)
  const input: CheckoutSessions.UpdateInput = {
    checkoutSessionId,
    expCurrentState,
    nextState: seeded.pick(known.filter((state) => state !== expCurrentState)),
    expectedVersion: informed && seeded.chance(scenario.versions) ? seen.version : undefined,
    idempotencyKey: seeded.chance(scenario.keys) ? key : undefined,
    ...patch()
  }
  return {
    run: (service) => Effect.map(service.update(host, input), ({ session }) => remember(session)),
    repeatable: input.idempotencyKey !== undefined
  }
}

const look = (checkoutSessionId: string): Act => ({
  run: (service) => Effect.map(service.get(host, { checkoutSessionId }), remember),
  repeatable: false
})

const only = (
  run: (service: Service) => Effect.Effect<Pick<CheckoutSessions.Cancelled, "session">, Failed>,
  repeatable: boolean
): Act => ({
  run: (service) => Effect.map(run(service), ({ session }) => remember(session!)),
  repeatable
})

interface Claim {
  readonly checkoutSessionId: string
  readonly operationId: string
  readonly idempotencyKey: string | undefined
}

const close = (
  seeded: Seeded,
  claim: Claim,
  patch: { readonly data?: { readonly [name: string]: any } },
  repeatable: boolean,
  next: string | undefined
): Act =>
  seeded.pick([
    only((service) => service.completeTask(host, { ...claim, ...patch, next }), repeatable),
    only((service) => service.failTask(host, { ...claim, code: "FAILED" }), repeatable),
    only((service) => service.releaseClaim(host, { ...claim, reason: "drawn" }), repeatable)
  ])

const remember = ({ state, version, operationId }: CheckoutSession.CheckoutSession): Seen => ({
  state,
  version,
  operationId
})

/** The result of a call: the state it saw, or why there is none. */
type Answer = Seen | "refused" | "unknown"

const learn = (error: Failed): Answer => {
  if (error.applied === "unknown") return "unknown"
  const current = "current" in error ? error.current : null
  return current === null ? "refused" : { state: current.state, version: current.version, operationId: null }
}

/** Calls once, perhaps hanging up before the answer. */
const once = (act: Act, service: Service, scenario: Scenario, seeded: Seeded): Effect.Effect<Answer> => {
  const answered = Effect.merge(Effect.mapError(act.run(service), learn))
  if (!seeded.chance(scenario.interruptions)) return answered
  return Effect.gen(function* () {
    const fiber = yield* Effect.fork(answered)
    if (seeded.chance(0.5)) yield* Effect.sleep(seeded.between(0, scenario.slowMillis))
    else yield* Effect.repeatN(Effect.yieldNow(), seeded.below(mostYields))
    yield* Fiber.interrupt(fiber)
    return "unknown" as const
  })
}
