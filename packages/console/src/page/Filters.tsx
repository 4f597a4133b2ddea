/** Filters: which sessions the list shows. */
import { useEffect, useRef, useState } from "preact/hooks"
import { after } from "./Clock.js"
import type { Counts, Flow } from "./Contract.js"
import { count } from "./Durations.js"
import { type Filter, href, type Show, shows } from "./Route.js"

const words: Readonly<Record<Show, string>> = {
  live: "Live",
  failed: "Failed",
  stuck: "Stuck",
  running: "Running",
  archived: "Closed"
}

const stuckAfter = [
  [10_000, "10 s"],
  [60_000, "1 min"],
  [300_000, "5 min"],
  [3_600_000, "1 h"]
] as const

/** Pause after the last key before a search begins, milliseconds. */
const typingMillis = 300

const numberOf = (counts: Counts | null, show: Show): string | null => {
  if (counts === null || show === "archived") return null
  const found = counts[show]
  return found >= counts.atMost ? `${count(found)}+` : count(found)
}

interface FiltersOf {
  readonly filter: Filter
  readonly flow: Flow | null
  readonly counts: Counts | null
  readonly stuckMillis: number
  readonly onStuckMillis: (millis: number) => void
}

const goTo = (filter: Filter): void => location.replace(href({ page: "sessions", filter }))

/** The filters above the list. */
export const Filters = ({ counts, filter, flow, onStuckMillis, stuckMillis }: FiltersOf) => {
  const states = [...new Set([...(flow?.states ?? []), "Error", ...(filter.state === "" ? [] : [filter.state])])]
  return (
    <div class="filters">
      <ul class="tabs" aria-label="Kinds of sessions">
        {shows.map((show) => {
          const number = numberOf(counts, show)
          return (
            <li key={show}>
              <a
                class={`tab ${show}${number === "0" ? " none" : ""}`}
                href={href({ page: "sessions", filter: { ...filter, show } })}
                aria-current={filter.show === show ? "true" : undefined}
              >
                {words[show]} {number !== null && <span class="number">{number}</span>}
              </a>
            </li>
          )
        })}
      </ul>
      <Search filter={filter} />
      <label>
        State
        <select value={filter.state} onChange={(event) => goTo({ ...filter, state: event.currentTarget.value })}>
          <option value="">all</option>
          {states.map((state) => (
            <option key={state} value={state}>
              {state}
            </option>
          ))}
        </select>
      </label>
      <label>
        Stuck after
        <select value={String(stuckMillis)} onChange={(event) => onStuckMillis(Number(event.currentTarget.value))}>
          {stuckAfter.map(([millis, text]) => (
            <option key={millis} value={String(millis)}>
              {text}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

const Search = ({ filter }: { readonly filter: Filter }) => {
  const [text, setText] = useState(filter.search)
  const latest = useRef(filter)
  latest.current = filter
  useEffect(() => setText(filter.search), [filter.search])
  useEffect(() => {
    const search = text.trim()
    if (search === latest.current.search) return
    return after(typingMillis, () => goTo({ ...latest.current, search }))
  }, [text])
  return (
    <label class="search">
      Session or cart begins with
      <input
        type="search"
        value={text}
        maxLength={128}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  )
}
