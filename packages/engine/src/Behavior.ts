/**
 * Behavior: what an actor does, as plain functions. `decide` says what a command means for a state, `evolve` applies
 * one event. No Effect, clock, randomness or I/O inside either; what the outside world must say is read by `prepare`
 * before the decision, inside the same turn.
 *
 * Owns the shape of a decision; does not own when a turn runs (Activation) nor where events go (Journal).
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"

/** What a turn knows besides state and command: the instant (epoch milliseconds; the clock is read when it is asked for), the sequence the state rests on, and what `prepare` read. */
export interface Turn<Facts> {
  readonly nowMillis: number
  readonly sequence: number
  readonly facts: Facts
}

/**
 * An accepted command: the events to commit (none for a read or a replayed answer) and the reply, computed from the
 * state after those events and the sequence of the last one.
 */
export interface Decision<State, Event, Reply> {
  readonly events: ReadonlyArray<Event>
  readonly reply: (after: State, sequence: number) => Reply
}

/** What a command comes to: a decision, or a refusal (`Exit.fail`), which is the caller's answer as it stands. */
export type Verdict<State, Event, Reply, Refusal> = Decision<State, Event, Reply> | Exit.Exit<never, Refusal>

/**
 * The pure pair that makes an actor, plus its edges.
 *
 * `State` and `Event` must be plain JSON values: a journal stores them as they are. `decode` receives what a journal
 * stored (perhaps by an older release) and returns today's state; it throws on a value that is none.
 */
export interface Behavior<State, Command, Event, Reply, Refusal, Facts = void> {
  readonly kind: string
  /** The state of an address that was never written; its sequence is 0. */
  readonly initial: State
  /**
   * Reads the ports this command depends on. It runs inside the turn, so that what it read cannot go stale behind
   * another turn of this address (A1). An effect that is already an `Exit` costs no suspension. A failure is the
   * caller's refusal; a defect is supervised.
   */
  readonly prepare: (state: State, command: Command) => Effect.Effect<Facts, Refusal>
  readonly decide: (state: State, command: Command, turn: Turn<Facts>) => Verdict<State, Event, Reply, Refusal>
  readonly evolve: (state: State, event: Event) => State
  readonly decode: (stored: unknown) => State
  /** When this state wants attention although nobody asks (epoch milliseconds), or null. Indexed by the journal. */
  readonly alarm: (state: State) => number | null
}
