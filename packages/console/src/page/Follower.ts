/**
 * Follower: reads the visible pages of a list and polls them while they are visible, one request at a time. Owns the
 * pages; does not own their display.
 */
import type { CallError, Result } from "@onelane/client"
import { every } from "./Clock.js"
import type { ListPage } from "./Contract.js"
import * as Pages from "./Pages.js"

/** What was read. */
export interface Followed {
  readonly pages: ReadonlyArray<Pages.Page>
  readonly error: CallError | null
  /** Whether the last page has no successor. */
  readonly isWhole: boolean
}

/** Reads the page that begins after this; the answer may be that it is unchanged since `seen`. */
export type ReadPage = (after: string | null, seen: string, signal: AbortSignal) => Promise<Result<ListPage>>

/** A list that is followed. */
export interface Follower {
  /** Reports the rows in view. */
  readonly look: (first: number, last: number) => void
  /** Whether it polls the pages that it has read. */
  readonly setLive: (isLive: boolean) => void
  readonly end: () => void
}

/** Pause between two reads of the pages in view, milliseconds. */
export const liveMillis = 2_000

/** Rows that are read ahead of those in view. */
const aheadCount = 60

/** Most pages in view that are read again at a time. */
const againMaxCount = 3

/** The pages of a list, and the reading of them. */
const makeReader = (read: ReadPage, onChange: (followed: Followed) => void, signal: AbortSignal) => {
  let pages: ReadonlyArray<Pages.Page> = []

  const readInto = async (index: number, after: string | null, seen: string): Promise<boolean> => {
    const result = await read(after, seen, signal)
    if (signal.aborted) return false
    if (result.ok) pages = Pages.put(pages, index, after, result.value)
    const isWhole = pages.length > 0 && Pages.following(pages) === undefined
    onChange({ pages, error: result.ok ? null : result.error, isWhole })
    return result.ok
  }

  return {
    /** Reads on until these rows are loaded, or the list ends. */
    grow: async (rows: () => number): Promise<void> => {
      for (;;) {
        const after = Pages.following(pages)
        const known = pages.reduce((sum, { sessions }) => sum + sessions.length, 0)
        if (after === undefined || (pages.length > 0 && known > rows())) return
        if (!(await readInto(pages.length, after, ""))) return
      }
    },
    /** Reads the pages of these rows again. */
    again: async (first: number, last: number): Promise<void> => {
      for (const index of Pages.pagesOf(pages, first, last).slice(0, againMaxCount)) {
        const page = pages[index]
        if (page === undefined || !(await readInto(index, page.after, page.tag))) return
      }
    }
  }
}

/** Follows a list until it is ended. */
export const follow = (read: ReadPage, onChange: (followed: Followed) => void): Follower => {
  const ending = new AbortController()
  const reader = makeReader(read, onChange, ending.signal)
  let view = { first: 0, last: 0 }
  let isLive = true
  let isReading = false
  let isWished = false

  const run = async (isAgain: boolean): Promise<void> => {
    isWished = isReading
    if (isReading) return
    isReading = true
    if (isAgain) await reader.again(view.first, view.last)
    do {
      isWished = false
      await reader.grow(() => view.last + aheadCount)
    } while (isWished && !ending.signal.aborted)
    isReading = false
  }

  const end = every(liveMillis, () => {
    if (isLive && !document.hidden) void run(true)
  })
  void run(false)
  return {
    look: (first, last) => {
      view = { first, last }
      void run(false)
    },
    setLive: (next) => {
      isLive = next
      if (isLive) void run(true)
    },
    end: () => {
      ending.abort()
      end()
    }
  }
}
