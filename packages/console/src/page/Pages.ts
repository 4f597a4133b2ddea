/**
 * Pages: a long list that is read page by page as the user scrolls, and refreshed where it is visible. Pure.
 *
 * A page begins where the one before it ends. If that end moves, the later pages are stale: they are read again when
 * they come into view, and a session that moved between two pages is shown once.
 */
import type { Listed, ListPage } from "./Contract.js"

/** A page that was read. */
export interface Page {
  /** Where it begins; null: at the start. */
  readonly after: string | null
  readonly sessions: ReadonlyArray<Listed>
  readonly next: string | null
  readonly tag: string
}

/** Sessions of a page. */
export const pageLimit = 200

/** Stores a page. Later pages stay, and are linked to its new end. */
export const put = (
  pages: ReadonlyArray<Page>,
  index: number,
  after: string | null,
  read: ListPage
): ReadonlyArray<Page> => {
  const old = pages[index]
  if (read.sessions === null) return pages
  const { next, sessions, tag } = read
  const before = pages.slice(0, index)
  const page: Page = { after, sessions, next, tag }
  if (next === null) return [...before, page]
  const [follower, ...others] = pages.slice(index + 1)
  if (follower === undefined) return [...before, page]
  // The next page has a new start: its tag no longer matches its contents.
  const linked = old?.next === next ? follower : { ...follower, after: next, tag: "" }
  return [...before, page, linked, ...others]
}

/** All sessions of the pages, each once. */
export const rows = (pages: ReadonlyArray<Page>): ReadonlyArray<Listed> => {
  const seen = new Set<string>()
  return pages.flatMap(({ sessions }) =>
    sessions.filter(({ checkoutSessionId: id }) => !seen.has(id) && seen.add(id) !== undefined)
  )
}

/** The pages that have one of the rows from `first` to `last`. */
export const pagesOf = (pages: ReadonlyArray<Page>, first: number, last: number): ReadonlyArray<number> => {
  let start = 0
  return pages.flatMap(({ sessions }, index) => {
    const end = start + sessions.length
    const isSeen = (start <= last && end > first) || (sessions.length === 0 && start >= first && start <= last)
    start = end
    return isSeen ? [index] : []
  })
}

/** Where the next page begins; undefined: there is none. */
export const following = (pages: ReadonlyArray<Page>): string | null | undefined => {
  const last = pages.at(-1)
  if (last === undefined) return null
  return last.next === null ? undefined : last.next
}
