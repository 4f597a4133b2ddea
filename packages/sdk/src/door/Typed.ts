/**
 * Typed: the inputs and outputs of the service, narrowed to one flow. With a typed flow the compiler knows its states
 * and, for a literal `expCurrentState`, the states that may follow. Types only; nothing exists at run time.
 */
import type { CheckoutSession, CheckoutSessions, Flow } from "@onelane/checkout"

/** The flow that an option names: a preset's name, or a flow itself. */
export type FlowOf<X> = X extends Flow.PresetName ? (typeof Flow.presets)[X] : X

/** A session whose states and data are those of the flow. */
export interface SessionOf<F> extends Omit<CheckoutSession.CheckoutSession, "state" | "nextState" | "data"> {
  readonly state: Flow.StateOf<F>
  readonly nextState: Flow.StateOf<F> | null
  readonly data: Flow.DataOf<F>
}

/** A history entry whose states and patch are those of the flow. */
export interface HistoryOf<F> extends Omit<CheckoutSession.HistoryEntry, "from" | "to" | "passedThrough" | "data"> {
  readonly passedThrough: ReadonlyArray<Flow.StateOf<F>>
  readonly from: Flow.StateOf<F> | null
  readonly to: Flow.StateOf<F> | null
  readonly data: Flow.PatchOf<F> | null
}

/** An answer that carries a session, narrowed. */
export type With<F, A extends { readonly session: CheckoutSession.CheckoutSession | null }> = Omit<A, "session"> & {
  readonly session: null extends A["session"] ? SessionOf<F> | null : SessionOf<F>
}

/** Open, with an initial state of the flow (never `Error`). */
export interface OpenOf<F> extends Omit<CheckoutSessions.OpenInput, "initialState" | "data"> {
  readonly initialState?: Exclude<Flow.StateOf<F>, "Error"> | undefined
  /** A merge patch on `{}`, for a new session. */
  readonly data?: Flow.PatchOf<F> | undefined
}

/** The result of a task, which may choose a state of the flow (never `Error`). */
export interface CompleteOf<F> extends Omit<CheckoutSessions.CompleteTaskInput, "next" | "data"> {
  readonly next?: Exclude<Flow.StateOf<F>, "Error"> | undefined
  readonly data?: Flow.PatchOf<F> | undefined
}

/** A move to a state of the flow (never `Error`). */
export interface MoveOf<F> extends Omit<CheckoutSessions.MoveInput, "state"> {
  readonly state: Exclude<Flow.StateOf<F>, "Error">
}

/** An update along a transition of the flow. */
export interface UpdateOf<F, S extends Flow.StateOf<F>>
  extends Omit<CheckoutSessions.UpdateInput, "nextState" | "data"> {
  readonly expCurrentState: S
  /** A state that may follow; or the same one, with `expectedVersion`, which edits in place. */
  readonly nextState: Flow.NextOf<F, NoInfer<S>> | Exclude<NoInfer<S>, "Error">
  /** A merge patch for the session's data, committed with the move. */
  readonly data?: Flow.PatchOf<F> | undefined
}
