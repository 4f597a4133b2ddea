/**
 * SessionPage: one checkout: what is happening to it, and why calls lost.
 *
 * It reads the session with its refused attempts every other second, and the history when there is more of it.
 */
import type { HistoryEntry, Result } from "@onelane/client"
import { useEffect } from "preact/hooks"
import { Actions } from "./Actions.js"
import * as Admin from "./Admin.js"
import { type Api, learn } from "./Api.js"
import { Badge } from "./Badge.js"
import { DataView } from "./DataView.js"
import { Facts } from "./Facts.js"
import { Notice } from "./Notice.js"
import { OperationView } from "./OperationView.js"
import { usePolled } from "./Poll.js"
import { everything, href } from "./Route.js"
import { Timeline } from "./Timeline.js"

/** Everything the page shows. */
export interface Seen {
  readonly inspected: Admin.Inspected
  readonly history: ReadonlyArray<HistoryEntry>
  /** The history does not begin with the session: a store in memory keeps the last entries only. */
  readonly isCut: boolean
}

const pollMillis = 1_500

const pageLimit = 200

/** Pages of history that are read for one look: more than any checkout has. */
const pagesMaxCount = 50

/** Versions that a store in memory still has after it dropped the first ones. */
const keptCount = 50

type History = ReadonlyArray<HistoryEntry>

/** The history after a version, all pages of it. */
const historyAfter = async (
  api: Api,
  checkoutSessionId: string,
  known: History,
  start: number,
  signal: AbortSignal
): Promise<Result<History>> => {
  let all = known
  for (let page = 0; page < pagesMaxCount; page++) {
    const afterVersion = all.at(-1)?.version ?? start
    const input = { checkoutSessionId, afterVersion, limit: pageLimit }
    const result = learn(await api.read.history(input, { signal }), api.token)
    if (!result.ok) return result
    if (result.value.length === 0) break
    all = [...all, ...result.value]
  }
  return { ok: true, value: all }
}

const reasonOf = (error: object): string | undefined => (error as { readonly reason?: string }).reason

const look = async (api: Api, id: string, signal: AbortSignal, before: Seen | null): Promise<Result<Seen>> => {
  const inspected = await Admin.inspect(api, id, signal)
  if (!inspected.ok) return inspected
  const { isArchived, version } = inspected.value.session
  // Drop versions that the session has not reached: it was restored from a backup. A late entry of a closed session
  // follows its last entry with the same version, so that version is read again.
  const known = (before?.history ?? []).filter((each) => each.version < version + (isArchived ? 0 : 1))
  const seen = (history: History, isCut: boolean): Result<Seen> => ({
    ok: true,
    value: { inspected: inspected.value, history, isCut }
  })
  if (known.at(-1)?.version === version) return seen(known, before?.isCut === true)
  const history = await historyAfter(api, id, known, 0, signal)
  if (history.ok) return seen(history.value, before?.isCut === true)
  if (reasonOf(history.error) !== "HISTORY_FORGOTTEN") return history
  const rest = await historyAfter(api, id, [], Math.max(0, version - keptCount), signal)
  return seen(rest.ok ? rest.value : known, true)
}

const statusOf = ({ operation, session }: Admin.Inspected): Admin.Status =>
  session.isArchived
    ? "closed"
    : session.isError
      ? "failed"
      : operation?.isOverdue === true
        ? "stuck"
        : session.isProcessing
          ? "running"
          : "waiting"

/** The page of one session. */
export const SessionPage = ({ api, id }: { readonly api: Api; readonly id: string }) => {
  const { again, error, value } = usePolled<Seen>(`session ${id}`, pollMillis, (signal, before) =>
    look(api, id, signal, before)
  )
  const version = value?.inspected.session.version
  useFollowing(api, id, version, again)
  return (
    <>
      <p class="crumb">
        <a href={href({ page: "sessions", filter: everything })}>All sessions</a>
      </p>
      <div class="head">
        <h1 tabIndex={-1} class="id">
          {value === null ? id : value.inspected.session.cartId}
        </h1>
        {value !== null && <Badge status={statusOf(value.inspected)} closedBy={value.inspected.session.closedBy} />}
        {value !== null && <Actions api={api} inspected={value.inspected} onDone={again} />}
      </div>
      {error !== null && <Notice error={error} />}
      {value === null && error === null && <p class="fine">Reading …</p>}
      {value !== null && <Everything seen={value} />}
    </>
  )
}

/** Reads at once when the session changes. Without a stream the page still polls. */
const useFollowing = (api: Api, id: string, version: number | undefined, again: () => void): void => {
  const isKnown = version !== undefined
  useEffect(() => {
    if (version === undefined) return
    const ending = new AbortController()
    const follow = async (): Promise<void> => {
      const input = { checkoutSessionId: id, afterVersion: version }
      for await (const _ of api.read.changes(input, { signal: ending.signal })) again()
    }
    follow().catch(() => {})
    return () => ending.abort()
  }, [api, id, isKnown])
}

const Everything = ({ seen }: { readonly seen: Seen }) => {
  const { inspected, history } = seen
  return (
    <>
      <Facts inspected={inspected} />
      {inspected.operation !== null && (
        <OperationView operation={inspected.operation} state={inspected.session.state} />
      )}
      <LateResults history={history} />
      <Timeline seen={seen} />
      {inspected.session.data !== null && <DataView data={inspected.session.data} />}
    </>
  )
}

const LateResults = ({ history }: { readonly history: ReadonlyArray<HistoryEntry> }) => {
  const late = history.filter(({ type }) => type === "LateResult")
  if (late.length === 0) return null
  return (
    <section class="note warn" aria-labelledby="late">
      <h2 id="late">{late.length === 1 ? "A result came too late" : `${late.length} results came too late`}</h2>
      <p>The session stayed as it was. Somebody may have paid: look whether the order must be undone.</p>
      <ul>
        {late.map(({ operationId, orderId }) => (
          <li key={operationId}>
            {orderId === null ? (
              "No order"
            ) : (
              <>
                Order <code>{orderId}</code>
              </>
            )}
            , operation <code>{operationId}</code>
          </li>
        ))}
      </ul>
    </section>
  )
}
