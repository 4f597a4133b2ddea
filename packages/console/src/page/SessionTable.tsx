/**
 * SessionTable: rows of sessions. Only those in view are in the document, however many there are; the table says how
 * many there are and which ones these are. Arrow keys go from row to row.
 */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks"
import { Badge } from "./Badge.js"
import type { Listed } from "./Contract.js"
import { count } from "./Durations.js"
import { who } from "./Race.js"
import { href } from "./Route.js"
import { Ago } from "./Times.js"

/** Height of a row in the style sheet, pixels. */
const rowHeight = 48

/** Rows that are drawn above and below those in view. */
const aroundCount = 10

interface TableOf {
  readonly sessions: ReadonlyArray<Listed>
  readonly isWhole: boolean
  readonly onView: (first: number, last: number) => void
}

interface View {
  readonly first: number
  readonly last: number
}

/** Where the first row begins, or would, by the window. */
const topOf = (table: HTMLTableElement): number => table.getBoundingClientRect().top + (table.tHead?.offsetHeight ?? 0)

const viewOf = (table: HTMLTableElement): View => {
  const above = -topOf(table)
  const first = Math.max(0, Math.floor(above / rowHeight))
  return { first, last: first + Math.ceil(innerHeight / rowHeight) }
}

/** The table of sessions. */
export const SessionTable = ({ isWhole, onView, sessions }: TableOf) => {
  const table = useRef<HTMLTableElement>(null)
  const [view, setView] = useState<View>({ first: 0, last: 40 })
  const looked = useRef(onView)
  looked.current = onView
  const size = sessions.length
  useLayoutEffect(() => {
    const scrolled = (): void => {
      if (table.current === null) return
      const next = viewOf(table.current)
      setView((last) => (last.first === next.first && last.last === next.last ? last : next))
    }
    scrolled()
    addEventListener("scroll", scrolled, { passive: true })
    addEventListener("resize", scrolled)
    return () => {
      removeEventListener("scroll", scrolled)
      removeEventListener("resize", scrolled)
    }
  }, [])
  useEffect(() => looked.current(view.first, view.last), [view])
  const first = Math.max(0, Math.min(view.first, size) - aroundCount)
  const last = Math.min(size, view.last + aroundCount)
  return (
    <>
      <table class="sessions" ref={table} aria-rowcount={isWhole ? size + 1 : -1} aria-describedby="known">
        <Head />
        <Space rows={first} />
        <tbody onKeyDown={(event) => step(event, sessions)}>
          {sessions.slice(first, last).map((session, index) => (
            <Row key={session.checkoutSessionId} session={session} index={first + index} />
          ))}
        </tbody>
        <Space rows={size - last} />
      </table>
      <p class="fine" id="known">
        {isWhole ? `${count(size)} ${size === 1 ? "session" : "sessions"}` : `${count(size)} read; more as you scroll`}
      </p>
    </>
  )
}

const Head = () => (
  <thead>
    <tr aria-rowindex={1}>
      <th scope="col" class="status">
        Status
      </th>
      <th scope="col">Cart, session</th>
      <th scope="col" class="state">
        State
      </th>
      <th scope="col" class="by wide">
        Who is processing
      </th>
      <th scope="col" class="since">
        Changed
      </th>
      <th scope="col" class="age wide">
        Opened
      </th>
      <th scope="col" class="version wide">
        Version
      </th>
    </tr>
  </thead>
)

/** Room of rows that are not drawn. */
const Space = ({ rows }: { readonly rows: number }) =>
  rows === 0 ? null : (
    <tbody class="space" aria-hidden="true">
      <tr style={{ height: `${rows * rowHeight}px` }}>
        <td />
      </tr>
    </tbody>
  )

const Row = ({ index, session }: { readonly index: number; readonly session: Listed }) => {
  const { cartId, checkoutSessionId, closedBy, createdAt, operation, state, status, updatedAt, version } = session
  return (
    <tr aria-rowindex={index + 2} class={status}>
      <td>
        <Badge status={status} closedBy={closedBy} />
      </td>
      <th scope="row">
        <a href={href({ page: "session", id: checkoutSessionId })} data-index={index}>
          <span class="line">{cartId}</span>
          <span class="line sub">{checkoutSessionId}</span>
        </a>
      </th>
      <td>
        <span class="line">{state}</span>
        {(operation?.nextState ?? null) !== null && <span class="line sub">→ {operation?.nextState}</span>}
      </td>
      <td class="wide">
        {operation !== null && (
          <>
            <span class="line">{who(operation.by)}</span>
            {operation.deadlineAt !== null && (
              <span class="line sub">
                deadline <Ago at={operation.deadlineAt} />
              </span>
            )}
          </>
        )}
      </td>
      <td class="since">
        <Ago at={updatedAt} />
      </td>
      <td class="wide age">
        <Ago at={createdAt} />
      </td>
      <td class="wide version">{version}</td>
    </tr>
  )
}

/** Arrow keys, Home and End go from row to row, and bring the row into view first. */
const step = (event: KeyboardEvent, sessions: ReadonlyArray<Listed>): void => {
  const at = (event.target as HTMLElement).dataset.index
  if (at === undefined || event.altKey || event.ctrlKey || event.metaKey) return
  const index = Number(at)
  const last = sessions.length - 1
  const wanted = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last }[event.key]
  if (wanted === undefined || wanted < 0 || wanted > last) return
  event.preventDefault()
  const body = event.currentTarget as HTMLElement
  const top = topOf(body.parentElement as HTMLTableElement) + wanted * rowHeight
  const room = 2 * rowHeight
  if (top < room) scrollBy(0, top - room)
  else if (top > innerHeight - room) scrollBy(0, top - innerHeight + room)
  const focus = (): void => body.querySelector<HTMLElement>(`a[data-index="${wanted}"]`)?.focus({ preventScroll: true })
  requestAnimationFrame(() => requestAnimationFrame(focus))
}
