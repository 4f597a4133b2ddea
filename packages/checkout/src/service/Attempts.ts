/**
 * Attempts: the last refused calls of each session, in memory, for operators who ask why a call was refused. A refusal
 * writes nothing, so there is no other record of it. Each engine keeps its own; they are lost with the process.
 *
 * Holds names and numbers only: never data, never a token. Bounded per session, in sessions and in bytes; the session
 * with the oldest last refusal is evicted first.
 */
import type { SessionCommand } from "../commands/SessionCommand.js"
import type { CheckoutError } from "../errors/CheckoutError.js"
import { type CurrentSession, currentOf } from "../session/CheckoutSession.js"
import { opaqueIdMaxLength } from "../session/Ids.js"
import * as PlainText from "../session/PlainText.js"
import type { SessionState } from "../session/SessionState.js"
import type { Tries } from "../work/Tasks.js"

/** The action of a refused call. Refused reads are not kept, nor refused opens, which name a cart. */
export type Action = "update" | "cancel" | "completeTask" | "failTask" | "releaseClaim" | "move"

/** One refused call. */
export interface Attempt {
  /** When it was refused, epoch milliseconds, by the store's clock. */
  readonly at: number
  /** The caller's user id; null: the engine itself. */
  readonly by: string | null
  readonly action: Action
  readonly tag: CheckoutError["_tag"]
  readonly reason: string
  readonly message: string
  /** What the call expected; null if it did not say. */
  readonly expectedState: string | null
  readonly expectedVersion: number | null
  readonly operationId: string | null
  /** The requested next state; null if the call did not say. */
  readonly next: string | null
  /** The session at that time. `lastRequestId` names the accepted call that won. */
  readonly current: CurrentSession
}

/** The attempts of a session, oldest first. `dropped`: number of older ones that were dropped. */
export interface Kept {
  readonly attempts: ReadonlyArray<Attempt>
  readonly dropped: number
}

/** What this process knows about a session and does not store. */
export interface Inspection extends Kept {
  /** Since when attempts are kept here, epoch milliseconds; null: not kept. */
  readonly since: number | null
  /** Its operation that runs here; null: none. */
  readonly running: Tries | null
}

/** Returns the inspection of a session. `ring`: null if attempts are not kept. */
export const inspect = (ring: Ring | null, id: string, running: Tries | null): Inspection =>
  ring === null ? { ...none, since: null, running } : { ...ring.of(id), since: ring.since, running }

/** Limits of what is kept. */
export interface Bounds {
  readonly attemptsPerSession: number
  readonly sessions: number
  readonly bytes: number
}

/** The default bounds: 32 attempts each for 4,096 sessions, 16 MiB in all. */
export const defaults: Bounds = Object.freeze({ attemptsPerSession: 32, sessions: 4_096, bytes: 16_777_216 })

/** Keeps attempts. */
export interface Ring {
  /** Since when it collects, epoch milliseconds. */
  readonly since: number
  /** Keeps one. `state`: the session's state at the refusal. */
  readonly refused: (id: string, command: SessionCommand, error: CheckoutError, state: SessionState) => void
  readonly of: (id: string) => Kept
  /** Forgets a session that was removed. */
  readonly forget: (id: string) => void
  /** How much is kept now. */
  readonly size: () => { readonly sessions: number; readonly bytes: number }
}

/** Attempts of one session, in a ring buffer. */
interface Entry {
  readonly attempts: Array<Attempt>
  /** Index of the oldest one, once the ring is full. */
  first: number
  dropped: number
  bytes: number
}

const none: Kept = Object.freeze({ attempts: Object.freeze([]), dropped: 0 })

/** Makes an empty ring. */
export const make = (nowMillis: () => number, bounds: Bounds = defaults): Ring => {
  // In the order of their last refusal.
  const entries = new Map<string, Entry>()
  let newest: string | null = null
  let bytes = 0

  const forget = (id: string): void => {
    const entry = entries.get(id)
    if (entry === undefined) return
    entries.delete(id)
    bytes -= entry.bytes
    if (newest === id) newest = null
  }
  const entryOf = (id: string): Entry => {
    const known = entries.get(id)
    const entry = known ?? { attempts: [], first: 0, dropped: 0, bytes: 0 }
    if (newest === id) return entry
    if (known !== undefined) entries.delete(id)
    entries.set(id, entry)
    newest = id
    return entry
  }
  const evict = (): void => {
    for (const id of entries.keys()) {
      if ((entries.size <= bounds.sessions && bytes <= bounds.bytes) || id === newest) return
      forget(id)
    }
  }
  return {
    since: nowMillis(),
    refused: (id, command, error, { session }) => {
      const action = actions[command.tag]
      if (action === null || session === null) return
      const current = "current" in error && error.current !== null ? copyOf(error.current) : currentOf(session)
      const attempt = attemptOf(action, command as Recorded, error, current, nowMillis())
      const entry = entryOf(id)
      const before = entry.bytes
      put(entry, attempt, bounds.attemptsPerSession)
      bytes += entry.bytes - before
      if (entries.size > bounds.sessions || bytes > bounds.bytes) evict()
    },
    of: (id) => {
      const entry = entries.get(id)
      if (entry === undefined) return none
      const { attempts, dropped, first } = entry
      return { attempts: [...attempts.slice(first), ...attempts.slice(0, first)], dropped }
    },
    forget,
    size: () => ({ sessions: entries.size, bytes })
  }
}

type Recorded = Exclude<SessionCommand, { readonly tag: "Open" | "Read" | "Expire" }>

const actions: { readonly [Tag in SessionCommand["tag"]]: Action | null } = {
  Open: null,
  Update: "update",
  Read: null,
  Cancel: "cancel",
  CompleteTask: "completeTask",
  FailTask: "failTask",
  ReleaseClaim: "releaseClaim",
  Move: "move",
  Expire: null
}

const put = (entry: Entry, attempt: Attempt, capacity: number): void => {
  entry.bytes += bytesOf(attempt)
  if (entry.attempts.length < capacity) return void entry.attempts.push(attempt)
  entry.bytes -= bytesOf(entry.attempts[entry.first]!)
  entry.attempts[entry.first] = attempt
  entry.first = (entry.first + 1) % capacity
  entry.dropped += 1
}

/** Estimated bytes of an attempt without its texts: two objects and their slot. */
const fixedBytes = 320

const bytesOf = ({ by, expectedState, message, next, operationId }: Attempt): number =>
  fixedBytes + 2 * (message.length + lengthOf(by) + lengthOf(expectedState) + lengthOf(next) + lengthOf(operationId))

const lengthOf = (text: string | null): number => (text === null ? 0 : text.length)

/** Longest refusal message that is kept, characters; some messages name many states. */
const messageMaxLength = 500

// The refusal belongs to the caller, who may change it.
const copyOf = ({
  isArchived,
  isProcessing,
  lastRequestId,
  nextState,
  orderId,
  state,
  version
}: CurrentSession): CurrentSession => ({
  state,
  version,
  nextState,
  isProcessing,
  isArchived,
  orderId,
  lastRequestId
})

const attemptOf = (
  action: Action,
  command: Recorded,
  { _tag: tag, message, reason }: CheckoutError,
  current: CurrentSession,
  at: number
): Attempt => {
  const isUpdate = command.tag === "Update"
  const { caller } = command
  return {
    at,
    by: caller === null ? null : PlainText.cut(caller.userId, opaqueIdMaxLength),
    action,
    tag,
    reason,
    message: PlainText.cut(message, messageMaxLength),
    expectedState: isUpdate ? command.transition.from : null,
    expectedVersion: "expectedVersion" in command ? (command.expectedVersion ?? null) : null,
    operationId: "operationId" in command ? command.operationId : null,
    next: isUpdate ? command.transition.to : nextOf(command),
    current
  }
}

const nextOf = (command: Recorded): string | null => {
  if (command.tag === "Move") return command.state
  return command.tag === "CompleteTask" ? (command.next ?? null) : null
}
