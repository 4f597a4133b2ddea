/**
 * Plan: what every run of a simulation shares: the app, the callers, the user's course and what must hold at the end.
 */
import type { Caller, CheckoutSession, CheckoutSessions, Flow } from "@onelane/checkout"
import type { History } from "@onelane/history"
import type { Checkout } from "@onelane/sdk"
import type { Provider } from "../fakes/Provider.js"
import type { AppUnderTest, WorldClock } from "../World.js"

/** A caller of a run: the Promise API of a remote client, over an unreliable network. */
export interface SimulatedCaller<F = Flow.Flow> extends Omit<Checkout<F>, "close" | typeof Symbol.asyncDispose> {
  readonly name: string
  /** The same service for Effect programs. */
  readonly service: CheckoutSessions.SessionCalls
}

/** The arguments of a course. */
export interface Simulated<F = Flow.Flow> {
  /** Callers to race: tabs of one buyer, unless `as` says otherwise. */
  readonly callers: ReadonlyArray<SimulatedCaller<F>>
  /** The host program: it may do everything. */
  readonly host: SimulatedCaller<F>
  readonly clock: WorldClock
  readonly provider: Provider
}

/** What an invariant can check, after the last fault. */
export interface End {
  /** Every opened session, as stored. */
  readonly sessions: ReadonlyArray<CheckoutSession.CheckoutSession>
  readonly provider: Provider
  readonly history: History.History
}

/** A condition that must hold at the end. It is violated if it returns false or a sentence, or throws. */
export type Invariant = (end: End) => boolean | string | void | null | PromiseLike<boolean | string | void | null>

/** The user's actions in a run. */
export type Course<F = Flow.Flow> = (run: Simulated<F>) => unknown

/** What every run shares. */
export interface Plan {
  readonly app: AppUnderTest
  readonly callers: number
  readonly as: Caller.Caller
  readonly invariants: Readonly<Record<string, Invariant>>
  readonly course: Course<any>
  /** Limit of one run, milliseconds of virtual time. */
  readonly limitMillis: number
}
