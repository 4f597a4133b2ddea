/**
 * History: calls and their answers, as plain values. It is independent of the transport, so runs over HTTP, the SDK or
 * the engine itself are checked in the same way.
 *
 * Owns the shape of an operation and the order of its two instants; does not own the verdict (Linearizable).
 */

/** The action of a call. */
export type Action = "open" | "update" | "read" | "cancel" | "completeTask" | "failTask" | "releaseClaim" | "move"

/**
 * The three outcomes: `ok`: done (or read); `fail`: certainly not done; `info`: unknown, so it may take effect once, at
 * any later time.
 */
export type Outcome = "ok" | "fail" | "info"

/**
 * What an answer shows about the session; absent members are unknown. `version` 0 and `state` null mean that there is
 * no session. `requestId` is the session's last accepted update.
 */
export interface Observation {
  readonly version?: number | undefined
  readonly state?: string | null | undefined
  readonly next?: string | null | undefined
  readonly archived?: boolean | undefined
  readonly requestId?: string | null | undefined
  /** The session's data as canonical JSON (`SessionData.textOf`); null: it has none. */
  readonly data?: string | null | undefined
}

/**
 * One call and its answer. `invoked` and `returned` are readings of one clock or counter that all processes share; two
 * operations with overlapping spans are concurrent, equal readings included. For `info`, `returned` is when the caller
 * stopped waiting; it does not limit when the call takes effect.
 */
export interface Operation {
  /** The calling process. It has one call at a time. */
  readonly process: number
  readonly session: string
  readonly action: Action
  readonly outcome: Outcome
  readonly invoked: number
  readonly returned: number
  readonly expected?: string | undefined
  readonly next?: string | undefined
  readonly expectedVersion?: number | undefined
  /** The JSON merge patch of the session's data that the call carried. */
  readonly patch?: unknown
  /** Idempotency key, made unique over callers and actions. */
  readonly key?: string | undefined
  /** The answer is a replay of an earlier one, for the same key. */
  readonly replayed?: boolean | undefined
  /** Names the accepted call. */
  readonly requestId?: string | undefined
  /** A result that was refused as too late but kept: it may have made a version of its own. */
  readonly late?: boolean | undefined
  /** The tag of an error. */
  readonly error?: string | undefined
  readonly observed?: Observation | undefined
}

/** Operations in any order. */
export type History = ReadonlyArray<Operation>

/** The members that are known when a call is made. */
export type Call = Pick<
  Operation,
  "process" | "session" | "action" | "expected" | "next" | "expectedVersion" | "patch" | "key"
>

/** The members that are known when it is answered; `session` and `action` if only the answer determines them. */
export type Answer = Pick<Operation, "outcome" | "replayed" | "requestId" | "late" | "error" | "observed"> &
  Partial<Pick<Operation, "session" | "action">>

/** A history being written. */
export interface Writer {
  /** Records a call, and returns a function that records its answer (once; later answers are ignored). */
  readonly invoke: (call: Call) => (answer: Answer) => void
  /** Everything so far, in the order of calls; calls without an answer are `info`. */
  readonly operations: () => History
}

/** Starts a history. Instants are positions in the order of recording, unless another clock is given. */
export const make = (instant: () => number = counter()): Writer => {
  const operations: Array<Operation> = []
  return {
    invoke: (call) => {
      const index = operations.length
      const pending: Operation = { ...call, outcome: "info", invoked: instant(), returned: Number.POSITIVE_INFINITY }
      operations.push(pending)
      return (answer) => {
        if (operations[index] === pending) {
          operations[index] = { ...pending, ...answer, returned: instant() }
        }
      }
    },
    operations: () => operations.slice()
  }
}

const counter = (): (() => number) => {
  let count = 0
  return () => count++
}

/** Whether an operation changed its session: an accepted call other than a read. */
export const isChange = (operation: Operation): boolean => operation.outcome === "ok" && operation.action !== "read"

/** Whether an operation with an unknown outcome may have changed its session. */
export const isDoubtful = (operation: Operation): boolean => operation.outcome === "info" && operation.action !== "read"

/** Whether an operation may have been kept as a late result, as a version that changes nothing else. */
export const isLate = (operation: Operation): boolean => operation.late === true

/** The last instant at which an operation can have taken effect. */
export const deadline = (operation: Operation): number =>
  operation.outcome === "info" ? Number.POSITIVE_INFINITY : operation.returned

/** Operations by session, each in order of call. */
export const bySession = (history: History): ReadonlyMap<string, ReadonlyArray<Operation>> => {
  const sessions = new Map<string, Array<Operation>>()
  for (const operation of history) {
    const of = sessions.get(operation.session)
    if (of === undefined) sessions.set(operation.session, [operation])
    else of.push(operation)
  }
  for (const operations of sessions.values()) operations.sort((a, b) => a.invoked - b.invoked)
  return sessions
}
