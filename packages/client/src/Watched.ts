/**
 * Watched: the state of one session for a page. A step is shown at once; if it is refused, it is reverted and the
 * winning change is shown. Answers are ordered by version: an older one never replaces a newer one.
 *
 * It follows the session while there are listeners, across sleep, lost networks and server restarts.
 */
import type { CallError } from "./CheckoutError.js"
import type { CallOptions, Client } from "./Client.js"
import { OnelaneError } from "./OnelaneError.js"
import type { FlowTypes, HistoryEntry, NextOf, PatchOf, Session, StateOf, Updated } from "./Session.js"
import { pause } from "./Time.js"
import type { Result } from "./Wire.js"

/** A step that was refused, and why. */
export interface RefusedStep<F = FlowTypes> {
  readonly from: StateOf<F>
  readonly to: string
  readonly error: CallError
  /** The change that won; null if there was none, or it could not be read. `by` names its caller. */
  readonly winner: HistoryEntry<F> | null
}

/** The state of a page. Immutable: each change creates a new object. */
export interface Shown<F = FlowTypes> {
  /** The latest known session; null until the first answer. */
  readonly session: Session<F> | null
  /** The state to show: the session's, or the target of a pending step. */
  readonly state: StateOf<F> | null
  /** The pending step, which has no answer yet. */
  readonly pending: { readonly from: StateOf<F>; readonly to: string } | null
  /** The last step of this page, if it was refused; null again with the next step. */
  readonly refused: RefusedStep<F> | null
  /** The last change that was not made by this page; null if there was none. */
  readonly elsewhere: HistoryEntry<F> | null
  /** Whether changes are being received. If false, the shown state may be stale. */
  readonly isLive: boolean
  /** Why the page no longer follows the session: no right to read it, or no valid token. */
  readonly error: CallError | null
}

/** Options of a step. */
export interface StepOptions<F> extends CallOptions {
  /** A merge patch for the session's data. */
  readonly data?: PatchOf<F> | undefined
}

/** One session as a page shows it. */
export interface Watched<F = FlowTypes> {
  readonly get: () => Shown<F>
  /**
   * Calls the listener after each change, until the returned function is called. The session is followed while there
   * are listeners.
   */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Moves the session from the shown state. The same step twice is one step: a double click gets the answer of the
   * first. A different step starts after the previous one is answered.
   */
  readonly step: (next: NextOf<F, StateOf<F>>, options?: StepOptions<F>) => Promise<Result<Updated<F>>>
  /** Reads the session now. */
  readonly refresh: () => Promise<void>
}

/** Longest pause between two tries to follow, milliseconds. */
const longestPauseMillis = 5_000

const mayReturn = (error: CallError): boolean => error.retryable

/** Watches a session through a client. */
export const watch = <F = FlowTypes>(client: Client<F>, checkoutSessionId: string): Watched<F> =>
  new Page(client, checkoutSessionId)

class Page<F> implements Watched<F> {
  private shown: Shown<F> = {
    session: null,
    state: null,
    pending: null,
    refused: null,
    elsewhere: null,
    isLive: false,
    error: null
  }
  private readonly listeners = new Set<() => void>()
  private following: AbortController | null = null
  private step_: { readonly next: string; readonly answer: Promise<Result<Updated<F>>> } | null = null
  /** Request ids of this page, so that its own changes are not shown as `elsewhere`. */
  private readonly own = new Set<string>()

  constructor(
    private readonly client: Client<F>,
    private readonly checkoutSessionId: string
  ) {}

  readonly get = (): Shown<F> => this.shown

  readonly subscribe = (listener: () => void): (() => void) => {
    // The same function may listen twice.
    const own = (): void => listener()
    this.listeners.add(own)
    if (this.following === null) void this.follow((this.following = new AbortController()))
    return () => {
      this.listeners.delete(own)
      if (this.listeners.size > 0) return
      this.following?.abort()
      this.following = null
      this.show({ isLive: false })
    }
  }

  readonly step = (next: NextOf<F, StateOf<F>>, options: StepOptions<F> = {}): Promise<Result<Updated<F>>> => {
    const before = this.step_
    if (before?.next === next && options.data === undefined) return before.answer
    const answer = before === null ? this.take(next, options) : before.answer.then(() => this.take(next, options))
    const mine = { next: options.data === undefined ? next : "", answer }
    this.step_ = mine
    const over = (): void => {
      if (this.step_ === mine) this.step_ = null
    }
    answer.then(over, over)
    return answer
  }

  // Always a new read: a running one may have begun before the change.
  readonly refresh = async (): Promise<void> => {
    const read = await this.client.get({ checkoutSessionId: this.checkoutSessionId })
    if (read.ok) this.tell(read.value, { error: null })
    else if (!mayReturn(read.error)) this.show({ error: read.error })
  }

  private show(change: Partial<Shown<F>>): void {
    const next = { ...this.shown, ...change }
    const state = next.pending?.to ?? next.session?.state ?? null
    this.shown = Object.freeze({ ...next, state: state as StateOf<F> | null })
    for (const listener of [...this.listeners]) listener()
  }

  private tell(session: Session<F>, change: Partial<Shown<F>> = {}): void {
    const isNewer = session.version >= (this.shown.session?.version ?? 0)
    this.show(isNewer ? { ...change, session } : change)
  }

  private async take(next: string, { data, signal }: StepOptions<F>): Promise<Result<Updated<F>>> {
    if (this.shown.session === null) await this.refresh()
    const { session } = this.shown
    const { checkoutSessionId } = this
    if (session === null) return { ok: false, error: this.shown.error ?? notRead }
    const { state: from, version } = session
    this.show({ pending: { from, to: next }, refused: null })
    // An edit in place needs the version that it is made on.
    const expectedVersion = next === from ? version : undefined
    const input = { checkoutSessionId, expCurrentState: from, nextState: next, expectedVersion, data }
    const moved = await this.client.update(input as unknown as Parameters<Client<F>["update"]>[0], { signal })
    if (moved.ok) {
      this.remember(moved.value.requestId)
      this.tell(moved.value.session, { pending: null })
      return moved
    }
    // Reads first, so that the page shows the present state instead of the step, not the old state.
    await this.refresh()
    const winner = await this.winnerAfter(version)
    this.show({ pending: null, refused: { from, to: next, error: moved.error, winner } })
    return moved
  }

  private async winnerAfter(afterVersion: number): Promise<HistoryEntry<F> | null> {
    if ((this.shown.session?.version ?? 0) <= afterVersion) return null
    const { checkoutSessionId } = this
    const read = await this.client.history({ checkoutSessionId, afterVersion, limit: 1 })
    return read.ok ? (read.value[0] ?? null) : null
  }

  private remember(requestId: string): void {
    this.own.add(requestId)
    if (this.own.size > 64) this.own.delete(this.own.values().next().value!)
  }

  private async follow(following: AbortController): Promise<void> {
    const { signal } = following
    const { checkoutSessionId } = this
    for (let tries = 0; !signal.aborted; tries++) {
      await this.refresh()
      const { error, session } = this.shown
      if (signal.aborted || (error !== null && !mayReturn(error))) return
      try {
        if (session !== null) {
          this.show({ isLive: true })
          const changes = this.client.changes({ checkoutSessionId, afterVersion: session.version }, { signal })
          for await (const entry of changes) {
            tries = 0
            await this.refresh()
            const isOwn = entry.requestId !== null && this.own.has(entry.requestId)
            if (!isOwn && this.shown.pending === null) this.show({ elsewhere: entry })
          }
          if (signal.aborted || this.shown.session?.isArchived === true) return
        }
      } catch (thrown) {
        if (signal.aborted) return
        if (!(thrown instanceof OnelaneError)) throw thrown
        if (!mayReturn(thrown.error)) return this.show({ isLive: false, error: thrown.error })
      }
      this.show({ isLive: false })
      await untilAwake(Math.min(longestPauseMillis, 100 * 2 ** Math.min(tries, 6)), signal)
    }
  }
}

const notRead: CallError = {
  _tag: "StorageUnavailable",
  message: "The session could not be read",
  reason: "CONNECTION_LOST",
  retryable: true,
  applied: "no",
  retryAfterMillis: 1_000
}

/** Waits; ends early when the page wakes from sleep or its network returns. */
const untilAwake = async (millis: number, signal: AbortSignal): Promise<void> => {
  const { addEventListener, removeEventListener } = globalThis as Partial<
    Pick<EventTarget, "addEventListener" | "removeEventListener">
  >
  const waking = new AbortController()
  const wake = (): void => waking.abort()
  signal.addEventListener("abort", wake)
  addEventListener?.call(globalThis, "online", wake)
  addEventListener?.call(globalThis, "pageshow", wake)
  await pause(millis, waking.signal)
  removeEventListener?.call(globalThis, "online", wake)
  removeEventListener?.call(globalThis, "pageshow", wake)
  signal.removeEventListener("abort", wake)
}
