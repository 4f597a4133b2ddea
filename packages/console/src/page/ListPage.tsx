/**
 * ListPage: all sessions, those that need attention first. The filter is in the address.
 */
import { useEffect, useRef, useState } from "preact/hooks"
import * as Admin from "./Admin.js"
import type { Api } from "./Api.js"
import { Filters } from "./Filters.js"
import { type Followed, type Follower, follow, liveMillis } from "./Follower.js"
import { Notice } from "./Notice.js"
import * as Pages from "./Pages.js"
import { usePolled } from "./Poll.js"
import type { Filter } from "./Route.js"
import { SessionTable } from "./SessionTable.js"

const onlyOf = ({ show }: Filter): Pick<Admin.ListInput, "only" | "archived"> =>
  show === "live" ? {} : show === "archived" ? { only: show, archived: true } : { only: show }

const inputOf = (filter: Filter, stuckMillis: number): Admin.ListInput => ({
  order: "attention",
  ...onlyOf(filter),
  ...(filter.state === "" ? {} : { states: [filter.state] }),
  ...(filter.search === "" ? {} : { search: filter.search, ...(filter.show === "live" ? { archived: true } : {}) }),
  stuckMillis,
  limit: Pages.pageLimit
})

/** The list of sessions. */
export const ListPage = ({ api, filter }: { readonly api: Api; readonly filter: Filter }) => {
  const [stuckMillis, setStuckMillis] = useState(60_000)
  const [isLive, setLive] = useState(true)
  const { value: flow } = usePolled("flow", 600_000, (signal) => Admin.flow(api, signal))
  const { value: counts } = usePolled(`counts ${stuckMillis} ${isLive}`, isLive ? liveMillis : 600_000, (signal) =>
    Admin.counts(api, stuckMillis, signal)
  )
  const input = inputOf(filter, stuckMillis)
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Sessions</h1>
        <label class="switch">
          <input type="checkbox" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
          Live
        </label>
      </div>
      <Filters filter={filter} flow={flow} counts={counts} stuckMillis={stuckMillis} onStuckMillis={setStuckMillis} />
      <List key={JSON.stringify(input)} api={api} input={input} isLive={isLive} />
    </>
  )
}

interface ListOf {
  readonly api: Api
  readonly input: Admin.ListInput
  readonly isLive: boolean
}

const nothing: Followed = { pages: [], error: null, isWhole: false }

const List = ({ api, input, isLive }: ListOf) => {
  const [followed, setFollowed] = useState(nothing)
  const follower = useRef<Follower | null>(null)
  useEffect(() => {
    const read = (after: string | null, seen: string, signal: AbortSignal) =>
      Admin.list(api, { ...input, ...(after === null ? {} : { after }), ...(seen === "" ? {} : { seen }) }, signal)
    const following = follow(read, setFollowed)
    follower.current = following
    return following.end
  }, [api])
  useEffect(() => follower.current?.setLive(isLive), [isLive])
  const { error, isWhole, pages } = followed
  const sessions = Pages.rows(pages)
  return (
    <>
      {error !== null && <Notice error={error} />}
      {pages.length === 0 && error === null && <p class="fine">Reading …</p>}
      {sessions.length === 0 && isWhole && <p class="empty">No session fits.</p>}
      {sessions.length > 0 && (
        <SessionTable
          sessions={sessions}
          isWhole={isWhole}
          onView={(first, last) => follower.current?.look(first, last)}
        />
      )}
    </>
  )
}
