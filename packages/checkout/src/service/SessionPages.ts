/**
 * SessionPages: the committed events of a session as a subscription: reads a page from the feed, checks the right to
 * read, returns the page.
 *
 * If an ask is withdrawn before the check of its page ends, the page is dropped, and the feed returns it again later.
 * So a slow reader buffers nothing. While there is no page, the vigil checks the right.
 */
import type { ActorSystem } from "@onelane/engine"
import * as Exit from "effect/Exit"
import type { AccessError, HistoryError } from "../errors/CheckoutError.js"
import type { CheckoutSession, HistoryEntry } from "../session/CheckoutSession.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { historyEntry } from "../session/SessionHistory.js"
import { isLast } from "../session/SessionState.js"
import * as Subscription from "./Subscription.js"
import type * as Vigil from "./Vigil.js"

/** Watches the right to read a session; calls `onLost` when it is lost. */
export type Guard = (onLost: Vigil.OnLost<AccessError>) => Vigil.Watch<AccessError>

/** Follows a session after a version. `session`: as it was when the right to read it was checked. */
export const make = (
  feed: ActorSystem.Feed<HistoryError>,
  session: CheckoutSession,
  afterVersion: number,
  guard: Guard
): Subscription.Subscription =>
  session.isArchived && afterVersion >= session.version ? Subscription.ended : new Following(feed, afterVersion, guard)

class SessionPage implements Subscription.Page {
  constructor(private readonly events: ActorSystem.Page) {}
  get version(): number {
    return this.events[this.events.length - 1]!.sequence
  }
  get isLast(): boolean {
    return isLast(this.events[this.events.length - 1]!.event as SessionEvent)
  }
  entries(): ReadonlyArray<HistoryEntry> {
    return this.events.map(({ event, sequence }) => historyEntry(sequence, event as SessionEvent))
  }
}

const pages = new WeakMap<ActorSystem.Page, SessionPage>()

// The followers of a session share a page object.
const pageOf = (events: ActorSystem.Page): SessionPage => {
  let page = pages.get(events)
  if (page === undefined) pages.set(events, (page = new SessionPage(events)))
  return page
}

const ended: Subscription.Answer = Exit.succeed(null)

class Following implements Subscription.Subscription {
  private watch: Vigil.Watch<AccessError> | null = null
  private asked: Subscription.OnAnswer | null = null
  /** Number of asks, so that a check for a withdrawn ask does not answer a later one. */
  private asks = 0
  /** The answer to every further ask. */
  private end: Subscription.Answer | null = null
  constructor(
    private readonly feed: ActorSystem.Feed<HistoryError>,
    private version: number,
    private readonly guard: Guard
  ) {}

  ask(onAnswer: Subscription.OnAnswer): void {
    if (this.end !== null) return onAnswer(this.end)
    this.watched()
    this.asks += 1
    this.asked = onAnswer
    this.feed.ask(this.version, this.onPage)
  }

  withdraw(): void {
    this.asked = null
    this.feed.withdraw()
  }

  check(onVerdict: Vigil.OnVerdict<AccessError>): void {
    this.watched().check(onVerdict)
  }

  leave(): void {
    this.asked = null
    this.end = ended
    this.feed.leave()
    this.watch?.leave()
  }

  private watched(): Vigil.Watch<AccessError> {
    return (this.watch ??= this.guard((lost) => this.conclude(Exit.fail(lost))))
  }

  private readonly onPage: ActorSystem.OnPage<HistoryError> = (exit) => {
    if (Exit.isFailure(exit)) return this.conclude(Exit.failCause(exit.cause))
    const page = pageOf(exit.value)
    const ask = this.asks
    this.watched().check((verdict) => {
      if (this.asked === null || this.asks !== ask) return
      if (Exit.isFailure(verdict)) return this.conclude(Exit.failCause(verdict.cause))
      this.version = page.version
      if (page.isLast) this.end = ended
      this.answer(Exit.succeed(page))
    })
  }

  // Without a pending ask, the end is reported at the next ask.
  private conclude(end: Subscription.Answer): void {
    if (this.end !== null) return
    this.end = end
    this.feed.leave()
    this.answer(end)
  }

  private answer(answer: Subscription.Answer): void {
    const onAnswer = this.asked
    this.asked = null
    onAnswer?.(answer)
  }
}
