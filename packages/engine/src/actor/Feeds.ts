/**
 * Feeds: the followers of each address. All followers of an address share one reader. Events committed here go as one
 * page to the followers that ask for them at once or soon, without a read. A follower that is further behind, or may
 * have missed another writer's events, gets a page of the journal, read once for all that ask from the same sequence.
 *
 * 1. A follower gets every committed event once, in order, nothing before it is durable.
 * 2. A follower holds a callback while it asks, and no events, so a slow one costs nothing and delays nobody. The
 *    recent events kept per address are bounded in number and bytes.
 * 3. Pages are delivered outside the commit: a turn pays for one check, however many follow.
 *
 * Owns when the journal is read for followers; does not own the notification of changes (Watchers).
 */
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JournalEvent } from "../journal/Journal.js"
import * as JsonBytes from "../runtime/JsonBytes.js"
import * as Watchers from "./Watchers.js"

/** Committed events of one address, in order. All its followers share it, so nobody may change it. */
export type Page = ReadonlyArray<JournalEvent>

/**
 * Called once per ask with a page that is never empty, or the error that ends the feed. Runs on the engine's stack:
 * must be quick.
 */
export type OnPage<E> = (exit: Exit.Exit<Page, E>) => void

/** An address that is followed. It costs nothing before the first ask and after `leave`. */
export interface Feed<E> {
  /**
   * Asks for the events after a sequence; calls back later, never at once. One ask at a time: a second one replaces the
   * first.
   */
  readonly ask: (afterSequence: number, onPage: OnPage<E>) => void
  /** Cancels the ask. */
  readonly withdraw: () => void
  /** Ends it: nothing is called back any more. */
  readonly leave: () => void
}

/** What feeds need from their actor system. `E`: its error type. */
export interface Source<E> {
  readonly watchers: Watchers.Watchers
  /** Whether nobody else writes these addresses. */
  readonly isExclusive: boolean
  /** Most events per read. */
  readonly pageCapacity: number
  readonly defer: (task: () => void) => void
  readonly read: (id: string, afterSequence: number, limit: number) => Effect.Effect<Page, E>
  /** Whether an address is stored. */
  readonly isStored: (id: string) => Effect.Effect<boolean>
  readonly run: <A, E1>(effect: Effect.Effect<A, E1>, onExit: (exit: Exit.Exit<A, E1>) => void) => void
  readonly onDefect: (id: string, defect: unknown) => void
  readonly isDraining: () => boolean
  readonly removed: (id: string) => E
  readonly draining: (id: string) => E
}

/** The followers of one actor system. */
export interface Feeds<E> {
  readonly source: Source<E>
  readonly channels: Map<string, Channel<E>>
  due: Array<Channel<E>>
  isDeferred: boolean
  /** Approximate bytes of recent events kept for all addresses. */
  recentBytes: number
  /**
   * Addresses removed so far. A follower created before a removal checks on its first ask whether its address still
   * exists.
   */
  removals: number
}

/** The last events committed here, after sequence `from`, without a gap. */
interface Recent {
  from: number
  readonly events: Array<JournalEvent>
  /** About how many bytes each holds. */
  readonly sizes: Array<number>
  bytes: number
}

/** Recent events kept per address for followers that ask a little later; while some ask, up to a page. */
const recentCapacity = 8

/** Approximate bytes of recent events kept per address, and for all; beyond that, followers read the journal. */
const recentBytes = { address: 65_536, all: 16_777_216 } as const

/** One address that is followed. */
interface Channel<E> {
  readonly id: string
  watcher: Watchers.Watcher | null
  followers: number
  readonly asking: Set<Follower<E>>
  /** Sequences after which the journal is being read. */
  readonly reading: Set<number>
  /** The highest sequence known to be committed. */
  head: number
  recent: Recent | null
  /** No unseen event is committed after this sequence; infinity: unknown, so the journal must be read. */
  checked: number
  isDue: boolean
  isRemoved: boolean
  isDraining: boolean
  /** Whether to check that the address is still stored. */
  isDoubted: boolean
  silentLooks: number
}

/** Creates the feeds of one actor system. */
export const make = <E>(source: Source<E>): Feeds<E> => ({
  source,
  channels: new Map(),
  due: [],
  isDeferred: false,
  recentBytes: 0,
  removals: 0
})

/** Follows an address. */
export const follow = <E>(feeds: Feeds<E>, id: string): Feed<E> => new Follower(feeds, id)

class Follower<E> implements Feed<E> {
  after = 0
  onPage: OnPage<E> | null = null
  private channel: Channel<E> | null = null
  private readonly removals: number
  constructor(
    private readonly feeds: Feeds<E>,
    private readonly id: string
  ) {
    this.removals = feeds.removals
  }
  ask(afterSequence: number, onPage: OnPage<E>): void {
    const channel = (this.channel ??= join(this.feeds, this.id, this.removals))
    this.after = afterSequence
    this.onPage = onPage
    channel.asking.add(this)
    if (mustRead(channel, afterSequence) || channel.isRemoved || channel.isDraining) plan(this.feeds, channel)
  }
  withdraw(): void {
    this.onPage = null
    this.channel?.asking.delete(this)
  }
  leave(): void {
    this.withdraw()
    if (this.channel !== null) leave(this.feeds, this.channel)
    this.channel = null
  }
}

const mustRead = <E>({ checked, head }: Channel<E>, after: number): boolean => after < head || after < checked

const join = <E>(feeds: Feeds<E>, id: string, removals: number): Channel<E> => {
  const channel = feeds.channels.get(id) ?? open(feeds, id)
  channel.followers += 1
  if (removals !== feeds.removals) {
    channel.isDoubted = true
    channel.checked = Number.POSITIVE_INFINITY
  }
  return channel
}

const open = <E>(feeds: Feeds<E>, id: string): Channel<E> => {
  const channel: Channel<E> = {
    id,
    watcher: null,
    followers: 0,
    asking: new Set(),
    reading: new Set(),
    head: 0,
    recent: null,
    checked: Number.POSITIVE_INFINITY,
    isDue: false,
    isRemoved: false,
    isDraining: feeds.source.isDraining(),
    isDoubted: false,
    silentLooks: 0
  }
  channel.watcher = Watchers.add(feeds.source.watchers, id, (signal) => hear(feeds, channel, signal))
  feeds.channels.set(id, channel)
  return channel
}

const leave = <E>(feeds: Feeds<E>, channel: Channel<E>): void => {
  channel.followers -= 1
  if (channel.followers > 0) return
  forget(feeds, channel)
  drop(feeds, channel)
  if (channel.watcher !== null) Watchers.leave(feeds.source.watchers, channel.id, channel.watcher)
  channel.watcher = null
}

// Later followers of the address get a new channel.
const forget = <E>({ channels }: Feeds<E>, channel: Channel<E>): void => {
  if (channels.get(channel.id) === channel) channels.delete(channel.id)
}

// Followers that have asked get the events committed before the removal; later asks get only the error.
const removed = <E>(feeds: Feeds<E>, channel: Channel<E>): void => {
  attend(feeds, channel)
  channel.isRemoved = true
  forget(feeds, channel)
  drop(feeds, channel)
}

const hear = <E>(feeds: Feeds<E>, channel: Channel<E>, signal: Watchers.Signal): void => {
  if (signal._tag === "Committed") return committed(feeds, channel, signal.events, signal.sequence)
  if (signal._tag === "Look") channel.silentLooks += 1
  else if (signal._tag === "Draining") channel.isDraining = true
  else removed(feeds, channel)
  channel.checked = Number.POSITIVE_INFINITY
  if (channel.asking.size > 0) plan(feeds, channel)
}

const committed = <E>(feeds: Feeds<E>, channel: Channel<E>, events: ReadonlyArray<unknown>, sequence: number): void => {
  if (sequence <= channel.head) return
  channel.checked = Math.min(channel.checked, sequence)
  channel.head = sequence
  keep(feeds, channel, sequence - events.length, events)
  if (channel.asking.size > 0) plan(feeds, channel)
}

/** Keeps committed events for followers that ask now or soon. */
const keep = <E>(feeds: Feeds<E>, channel: Channel<E>, from: number, events: ReadonlyArray<unknown>): void => {
  const known = channel.recent
  if (known !== null && known.from + known.events.length !== from) drop(feeds, channel)
  const recent = (channel.recent ??= { from, events: [], sizes: [], bytes: 0 })
  for (let index = 0; index < events.length; index++) {
    const bytes = JsonBytes.of(events[index])
    recent.events.push({ sequence: from + index + 1, event: events[index]! })
    recent.sizes.push(bytes)
    recent.bytes += bytes
    feeds.recentBytes += bytes
  }
  trim(feeds, channel, recent, channel.asking.size > 0 ? feeds.source.pageCapacity : recentCapacity)
}

const trim = <E>(feeds: Feeds<E>, channel: Channel<E>, recent: Recent, capacity: number): void => {
  if (feeds.recentBytes > recentBytes.all) return drop(feeds, channel)
  let over = 0
  while (recent.events.length - over > capacity || recent.bytes > recentBytes.address) {
    const bytes = recent.sizes[over++]!
    recent.bytes -= bytes
    feeds.recentBytes -= bytes
  }
  if (over === 0) return
  recent.from += over
  recent.events.splice(0, over)
  recent.sizes.splice(0, over)
}

const drop = <E>(feeds: Feeds<E>, channel: Channel<E>): void => {
  feeds.recentBytes -= channel.recent?.bytes ?? 0
  channel.recent = null
}

/** Schedules the channel for the next turn of the event loop, together with all others. */
const plan = <E>(feeds: Feeds<E>, channel: Channel<E>): void => {
  if (channel.isDue) return
  channel.isDue = true
  feeds.due.push(channel)
  if (feeds.isDeferred) return
  feeds.isDeferred = true
  feeds.source.defer(() => {
    const { due } = feeds
    feeds.due = []
    feeds.isDeferred = false
    for (const each of due) attend(feeds, each)
  })
}

const attend = <E>(feeds: Feeds<E>, channel: Channel<E>): void => {
  const { isDraining, isRemoved, recent } = channel
  channel.isDue = false
  // Followers at the same sequence share one page.
  const pages = new Map<number, Exit.Exit<Page, E>>()
  for (const follower of [...channel.asking]) {
    const { after } = follower
    if (recent !== null && after >= recent.from && after < recent.from + recent.events.length) {
      let page = pages.get(after)
      if (page === undefined) pages.set(after, (page = Exit.succeed(recent.events.slice(after - recent.from))))
      give(feeds, channel, follower, page)
    } else if (isRemoved) give(feeds, channel, follower, Exit.fail(feeds.source.removed(channel.id)))
    else if (mustRead(channel, after)) read(feeds, channel, after)
    else if (isDraining) give(feeds, channel, follower, Exit.fail(feeds.source.draining(channel.id)))
  }
  if (channel.recent !== null) trim(feeds, channel, channel.recent, recentCapacity)
}

const give = <E>({ source }: Feeds<E>, channel: Channel<E>, follower: Follower<E>, exit: Exit.Exit<Page, E>): void => {
  const { onPage } = follower
  if (onPage === null) return
  follower.onPage = null
  channel.asking.delete(follower)
  try {
    onPage(exit)
  } catch (defect) {
    source.onDefect(channel.id, defect)
  }
}

const read = <E>(feeds: Feeds<E>, channel: Channel<E>, after: number): void => {
  const { source } = feeds
  if (channel.reading.has(after)) return
  channel.reading.add(after)
  // Set before the read, so a signal that arrives during the read resets it.
  const isLook = after >= channel.head
  if (isLook) channel.checked = Math.min(channel.checked, after)
  source.run(source.read(channel.id, after, source.pageCapacity), (exit) => {
    channel.reading.delete(after)
    if (Exit.isSuccess(exit) && exit.value.length === 0) return silent(feeds, channel, after)
    const last = Exit.isSuccess(exit) ? exit.value[exit.value.length - 1]!.sequence : 0
    // There may be more: the next ask reads again.
    if (isLook || last > channel.head) channel.checked = Number.POSITIVE_INFINITY
    channel.head = Math.max(channel.head, last)
    channel.silentLooks = 0
    tell(feeds, channel, after, exit)
    if (channel.asking.size > 0) plan(feeds, channel)
  })
}

const tell = <E>(feeds: Feeds<E>, channel: Channel<E>, after: number, exit: Exit.Exit<Page, E>): void => {
  for (const follower of [...channel.asking]) if (follower.after === after) give(feeds, channel, follower, exit)
}

/** With a shared journal: empty polls after which the feed checks whether another writer removed the address. */
const looksOfTrust = 5

/** Handles an empty read: the followers keep waiting, unless the system drains or the address was removed. */
const silent = <E>(feeds: Feeds<E>, channel: Channel<E>, after: number): void => {
  const { source } = feeds
  if (channel.isDraining) return tell(feeds, channel, after, Exit.fail(source.draining(channel.id)))
  const isTired = !source.isExclusive && channel.silentLooks >= looksOfTrust
  if (after === 0 || !(isTired || channel.isDoubted)) return
  channel.silentLooks = 0
  channel.isDoubted = false
  source.run(source.isStored(channel.id), (exit) => {
    if (!Exit.isSuccess(exit) || exit.value) return
    removed(feeds, channel)
    if (channel.asking.size > 0) plan(feeds, channel)
  })
}
