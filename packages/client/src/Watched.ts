/**
 * Watched: one session as a page shows it. A step shows at once, and is taken back when it is refused, with who was first. What comes
 * from elsewhere is shown by version: an older answer never replaces a newer one.
 *
 * It follows the session while somebody listens, through sleep, lost networks and restarts of the server.
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
  /** The change that was first; null if none was, or it could not be read. `by` says who made it. */
  readonly winner: HistoryEntry<F> | null
}

/** What a page shows. A new object for each change, and never changed. */
export interface Shown<F = FlowTypes> {
  /** The session as it was last told; null until the first answer. */
  readonly session: Session<F> | null
  /** The state to show: that of the session, or the one that a step under way leads to. */
  readonly state: StateOf<F> | null
  /** The step that was taken and has no answer yet. */
  readonly pending: { readonly from: StateOf<F>; readonly to: string } | null
  /** The last step of this page, if it was refused; null again with the next step. */
  readonly refused: RefusedStep<F> | null
  /** The last change that was not made here; null if there was none. */
  readonly elsewhere: HistoryEntry<F> | null
  /** Whether changes are coming in. While it is false, what is shown may be old. */
  readonly isLive: boolean
  /** Why nothing is followed any more: no right to read the session, or no valid token. */
  readonly error: CallError | null
}

/** How a step is taken. */
export interface StepOptions<F> extends CallOptions {
  /** A merge patch for the session's data. */
  readonly data?: PatchOf<F> | undefined
}

/** One session as a page shows it. */
export interface Watched<F = FlowTypes> {
  readonly get: () => Shown<F>
  /** Is called after each change, until the returned function is called. The session is followed while anybody listens. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Moves the session from the state that is shown. The same step twice is one step: a double click gets the answer of the first.
   * Another step begins when the one before it is answered.
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
  /** Requests that this page made, so that their changes are not told as somebody else's. */
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

  // Each a read of its own: one that is under way may have begun before the change that it is asked for.
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
    // What is true now is shown in the place of the step, not the state before it.
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

/** Waits; less where the page comes back from sleep, or its network does. */
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
