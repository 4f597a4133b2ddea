/**
 * Typed: the inputs and outputs of the service, narrowed to one flow. With a typed flow the compiler knows its states
 * and, for a literal `expCurrentState`, the states that may follow. Types only; nothing exists at run time.
 */
import type { CheckoutSession, CheckoutSessions, Flow } from "@onelane/checkout"

/** The flow that an option names: a preset's name, or a flow itself. */
export type FlowOf<X> = X extends Flow.PresetName ? (typeof Flow.presets)[X] : X

/** A session whose states are those of the flow. */
export interface SessionOf<F> extends Omit<CheckoutSession.CheckoutSession, "state" | "nextState"> {
  readonly state: Flow.StateOf<F>
  readonly nextState: Flow.StateOf<F> | null
}

/** A history entry whose states are those of the flow. */
export interface HistoryOf<F> extends Omit<CheckoutSession.HistoryEntry, "from" | "to" | "passedThrough"> {
  readonly passedThrough: ReadonlyArray<Flow.StateOf<F>>
  readonly from: Flow.StateOf<F> | null
  readonly to: Flow.StateOf<F> | null
}

/** An answer that carries a session, narrowed. */
export type With<F, A extends { readonly session: CheckoutSession.CheckoutSession | null }> = Omit<A, "session"> & {
  readonly session: null extends A["session"] ? SessionOf<F> | null : SessionOf<F>
}

/** Open, with an initial state of the flow (never `Error`). */
export interface OpenOf<F> extends Omit<CheckoutSessions.OpenInput, "initialState"> {
  readonly initialState?: Exclude<Flow.StateOf<F>, "Error"> | undefined
}

/** The result of a task, which may choose a state of the flow (never `Error`). */
export interface CompleteOf<F> extends Omit<CheckoutSessions.CompleteTaskInput, "next"> {
  readonly next?: Exclude<Flow.StateOf<F>, "Error"> | undefined
}

/** An update along a transition of the flow. */
export interface UpdateOf<F, S extends Flow.StateOf<F>> extends Omit<CheckoutSessions.UpdateInput, "nextState"> {
  readonly expCurrentState: S
  readonly nextState: Flow.NextOf<F, NoInfer<S>>
}
