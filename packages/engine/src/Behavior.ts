/**
 * Behavior: what an actor does, as plain functions. `decide` says what a command means for a state, `evolve` applies
 * one event. Neither uses Effect, clocks, randomness or I/O; `prepare` reads external facts before the decision, inside
 * the same turn.
 *
 * Owns the shape of a decision; does not own when a turn runs (Activation) nor where events go (Journal).
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/**
 * What an earlier turn of this address recorded under a digest: its last event, that event's sequence, the state after
 * it.
 */
export interface Recorded<State, Event> {
  readonly digest: string
  readonly sequence: number
  readonly event: Event
  readonly state: State
}

/**
 * The input of a turn besides state and command: the time (epoch milliseconds; the clock is read on access), the
 * sequence of the state, the result of `prepare`, and the records of the command's digests (`digestsOf`).
 */
export interface Turn<Facts, State = unknown, Event = unknown> {
  readonly nowMillis: number
  readonly sequence: number
  readonly facts: Facts
  /** Records of the command's digests, in their order. Empty for most commands. */
  readonly records: ReadonlyArray<Recorded<State, Event>>
}

/**
 * An accepted command: the events to commit (none for a read or a replayed answer) and the reply, computed from the
 * state after those events and the sequence of the last one.
 */
export interface Decision<State, Event, Reply> {
  readonly events: ReadonlyArray<Event>
  readonly reply: (after: State, sequence: number) => Reply
  /**
   * Digests to record for this turn, in the same commit as its events; absent: none. Only with events, and only digests
   * that the command carries or that cannot be recorded yet: one that is recorded already makes the commit a conflict
   * (A4).
   */
  readonly digests?: ReadonlyArray<string> | undefined
}

/** A behavior's own change of a state that was just read: one event, and the digests to record with it. */
export interface Migration<Event> {
  readonly event: Event
  readonly digests?: ReadonlyArray<string> | undefined
}

/** No digests: the result of `digestsOf` for most commands. */
export const noDigests: ReadonlyArray<string> = []

/** The outcome of a command: a decision, or a refusal (`Exit.fail`), which is returned to the caller as it is. */
export type Verdict<State, Event, Reply, Refusal> = Decision<State, Event, Reply> | Exit.Exit<never, Refusal>

/**
 * The large part of a state that most events leave unchanged. The journal stores it apart, and only when it changed. So
 * a turn that does not change it does not pay for it, and neither does a scan of many addresses (`ActorSystem.select`).
 *
 * An event must change the body independently of the rest of the state: `of(evolve(state, event))` depends on
 * `of(state)` and `event` only, and is the same object if the event leaves the body unchanged.
 */
export interface Body<State, Command, Event> {
  /** The body, a plain JSON value; null: there is none. */
  readonly of: (state: State) => unknown
  /** The state without its body; the same object if it has none. */
  readonly without: (state: State) => State
  /** The state with this body, as a journal stored it. Throws if the value is no body. */
  readonly with: (state: State, body: unknown) => State
  /** The part of a body that an event contains; null or undefined: none. Counted towards bounds in bytes. */
  readonly changeOf: (event: Event) => unknown
  /** The part of a body that a command contains; null or undefined: none. Counted towards bounds in bytes. */
  readonly heldBy: (command: Command) => unknown
}

/**
 * The pure functions of an actor, and how it reads ports and stored states.
 *
 * `State` and `Event` must be plain JSON values: a journal stores them as they are. `decode` receives what a journal
 * stored (perhaps by an older release) and returns today's state; it throws if the value is not a state.
 */
export interface Behavior<State, Command, Event, Reply, Refusal, Facts = void> {
  readonly kind: string
  /** The state of an address that was never written; its sequence is 0. */
  readonly initial: State
  /**
   * Reads the ports this command depends on. It runs inside the turn, so another turn of this address cannot
   * outdate what it read (A1). An effect that is already an `Exit` costs no suspension. A failure is the
   * caller's refusal; a defect is supervised.
   */
  readonly prepare: (state: State, command: Command) => Effect.Effect<Facts, Refusal>
  /**
   * The digests whose records `decide` needs in this state: an idempotency key, the operation of a late result. Usually
   * none (`noDigests`), which costs nothing. A digest is 1..64 characters of base64url, one scope for the whole address.
   */
  readonly digestsOf: (state: State, command: Command) => ReadonlyArray<string>
  readonly decide: (
    state: State,
    command: Command,
    turn: Turn<Facts, State, Event>
  ) => Verdict<State, Event, Reply, Refusal>
  readonly evolve: (state: State, event: Event) => State
  readonly decode: (stored: unknown) => State
  /**
   * Migrates a stored state; called each time a state is read, before any turn, but not for a state that is in memory
   * already. Null or absent: the state stays as it is. A returned event is committed first, in a turn of its own, and
   * every later answer depends on that commit. Throws `NewerState` to refuse the state.
   */
  readonly migrate?: ((state: State, turn: { readonly nowMillis: number }) => Migration<Event> | null) | undefined
  /** When this state is due without a command (epoch milliseconds), or null. Indexed by the journal. */
  readonly alarm: (state: State) => number | null
  /** The large part of a state, if it has one. */
  readonly body?: Body<State, Command, Event> | undefined
}
