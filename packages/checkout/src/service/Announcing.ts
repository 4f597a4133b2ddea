/**
 * Announcing: calls a host's listener for every change that this engine committed. The listener is called on later
 * stacks, one change after the other, so it can neither stop nor delay a turn; its exceptions are logged. Delivery is
 * at most once, and in this process only: the queue is bounded, and lost with the process.
 */
import { type AsyncContext, JsonBytes, RareLog } from "@onelane/engine"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { HistoryEntry } from "../session/CheckoutSession.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { historyEntry } from "../session/SessionHistory.js"
import type { SessionState } from "../session/SessionState.js"

/** A committed change of a session: an entry of its history, with the names of session and cart. */
export interface AcceptedChange extends HistoryEntry {
  readonly checkoutSessionId: string
  readonly cartId: string
}

/** Called with each change. The next change waits until a Promise that it returns is settled. */
export type OnEvent = (change: AcceptedChange) => unknown

/** Most changes that wait for the listener, and most bytes of data among them. */
export const waitingMaxCount = 10_000
const waitingMaxBytes = 16_777_216

/** Calls of the listener in one turn of the event loop. */
const slice = 64

/** How long a closing engine waits for queued calls of the listener, milliseconds. */
const farewellMillis = 2_000

/** What an announcer works with. */
export interface AnnouncerOptions {
  readonly onEvent: OnEvent
  readonly defer: (task: () => void) => void
  /** The async context of the listener. Default: that of the call whose change is announced first. */
  readonly context?: AsyncContext.Run | undefined
}

/** Queues committed changes. */
export interface Announcer {
  readonly committed: (id: string, events: ReadonlyArray<SessionEvent>, state: SessionState) => void
}

/** Makes an announcer. Closing the scope waits at most 2 seconds for queued changes. */
export const make = (options: AnnouncerOptions): Effect.Effect<Announcer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(RareLog.make, (log) => new Queue(options, log)),
    (queue) => queue.end
  )

interface Waiting {
  readonly id: string
  readonly cartId: string
  readonly version: number
  readonly event: SessionEvent
  readonly bytes: number
}

class Queue implements Announcer {
  private waiting: Array<Waiting> = []
  /** Index of the first queued change. */
  private next = 0
  private bytes = 0
  private isBusy = false
  private lost = 0
  private onIdle: (() => void) | null = null

  constructor(
    private readonly options: AnnouncerOptions,
    private readonly log: RareLog.RareLog
  ) {}

  committed(id: string, events: ReadonlyArray<SessionEvent>, { session }: SessionState): void {
    const { cartId, version } = session!
    for (const [index, event] of events.entries())
      this.put({ id, cartId, version: version - events.length + index + 1, event, bytes: bytesOf(event) })
    this.schedule()
  }

  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    const idle = Effect.async<void>((resume) => {
      this.onIdle = () => resume(Effect.void)
      if (!this.isBusy) this.onIdle()
    })
    return Effect.asVoid(Effect.timeoutOption(Effect.interruptible(idle), farewellMillis))
  })

  private put(one: Waiting): void {
    if (this.waiting.length - this.next < waitingMaxCount && this.bytes + one.bytes <= waitingMaxBytes) {
      this.waiting.push(one)
      this.bytes += one.bytes
      return
    }
    this.lost += 1
    const told = { checkoutSessionId: one.id, version: one.version, lost: this.lost }
    this.log("a change was not told: the listener onEvent is too slow", told, "too many changes wait")
  }

  private schedule(): void {
    if (this.isBusy) return
    this.isBusy = true
    this.later()
  }

  private later(): void {
    const { context, defer } = this.options
    if (context === undefined) defer(() => this.tell(slice))
    else context(() => defer(() => this.tell(slice)))
  }

  private tell(left: number): void {
    for (let calls = left; calls > 0; calls--) {
      const one = this.take()
      if (one === null) return this.rest()
      if (this.call(one)) return // continues when the Promise is settled
    }
    this.later()
  }

  private rest(): void {
    this.isBusy = false
    this.onIdle?.()
  }

  private take(): Waiting | null {
    const one = this.waiting[this.next]
    if (one === undefined) {
      this.waiting = []
      this.next = 0
      return null
    }
    this.next += 1
    this.bytes -= one.bytes
    if (this.next === 1_024) {
      this.waiting.splice(0, this.next)
      this.next = 0
    }
    return one
  }

  /** Calls the listener; true if it answered with a Promise. */
  private call({ cartId, event, id, version }: Waiting): boolean {
    const fail = (cause: unknown): void =>
      this.log("the listener onEvent failed", { checkoutSessionId: id, version }, cause)
    try {
      const answer = this.options.onEvent({ checkoutSessionId: id, cartId, ...historyEntry(version, event) })
      if (!isThenable(answer)) return false
      answer.then(undefined, fail).then(() => this.later())
      return true
    } catch (thrown) {
      fail(thrown)
      return false
    }
  }
}

const bytesOf = (event: SessionEvent): number => ("data" in event ? JsonBytes.of(event.data) : 0)

const isThenable = (value: unknown): value is Promise<unknown> =>
  value instanceof Promise || (typeof value === "object" && value !== null && "then" in value && isFunction(value.then))

const isFunction = (value: unknown): boolean => typeof value === "function"
