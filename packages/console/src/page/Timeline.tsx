/**
 * Timeline: accepted changes and refused attempts of a session on one line, the newest first. The lane is the session:
 * what was accepted is on it, and what was refused ends beside it.
 */
import type { HistoryEntry } from "@onelane/client"
import { useMemo } from "preact/hooks"
import type { Inspected, Ring } from "./Contract.js"
import { Changes } from "./DataView.js"
import { exact, span, timeOfDay } from "./Durations.js"
import { apply, type Change, changes, type Json, type JsonObject } from "./Patch.js"
import type { Loser, Moment } from "./Race.js"
import * as Race from "./Race.js"
import type { Seen } from "./SessionPage.js"
import { Strip } from "./Strip.js"
import { Ago } from "./Times.js"
import { did, remarks } from "./Words.js"

/** The data changes of each entry. If the beginning of the history is missing, earlier values are unknown. */
const dataChanges = (
  history: ReadonlyArray<HistoryEntry>,
  isCut: boolean
): ReadonlyMap<HistoryEntry, ReadonlyArray<Change>> => {
  let data: Json | undefined = isCut ? undefined : {}
  const found = new Map<HistoryEntry, ReadonlyArray<Change>>()
  for (const entry of history) {
    if (entry.data === null) continue
    const patch = entry.data as JsonObject
    found.set(entry, changes(data, patch))
    if (data !== undefined) data = apply(data, patch)
  }
  return found
}

/** The time line of a session. */
export const Timeline = ({ seen }: { readonly seen: Seen }) => {
  const { history, inspected, isCut } = seen
  const data = useMemo(() => dataChanges(history, isCut), [history, isCut])
  const moments = useMemo(() => Race.moments(history, inspected.rings), [history, inspected.rings])
  const lost = inspected.rings.reduce((sum, { attempts }) => sum + attempts.length, 0)
  return (
    <section aria-labelledby="line">
      <h2 id="line">
        Time line <span class="fine">newest first</span>
      </h2>
      <p class="fine">
        {history.length} accepted, {lost} refused. <Kept inspected={inspected} />
      </p>
      {isCut && <p class="note warn">The store keeps the last changes only: earlier ones are not shown.</p>}
      <ol class="timeline">
        {moments.map((moment) =>
          moment.kind === "change" ? (
            <ChangeItem key={keyOf(moment)} moment={moment} data={data.get(moment.entry) ?? []} />
          ) : (
            <li key={keyOf(moment)} class="moment alone">
              <LoserItem loser={moment.loser} winner={null} />
            </li>
          )
        )}
      </ol>
    </section>
  )
}

const keyOf = (moment: Moment): string =>
  moment.kind === "change"
    ? `${moment.entry.version} ${moment.entry.type} ${moment.entry.operationId}`
    : `${moment.at} ${moment.loser.attempt.by} ${moment.loser.attempt.tag} ${moment.loser.attempt.next}`

/** What the time line lacks: refusals are not stored, and nodes keep only the last ones in memory. */
const Kept = ({ inspected: { missing, rings } }: { readonly inspected: Inspected }) => (
  <>
    A refusal writes nothing: the door of each node remembers the last ones in memory, within a bound.{" "}
    {rings.map((ring) => (
      <KeptBy key={ring.node} ring={ring} />
    ))}
    {missing.length > 0 && <strong>No answer from {missing.join(", ")}: what was refused there is not shown. </strong>}
  </>
)

const KeptBy = ({ ring: { attempts, dropped, node, since } }: { readonly ring: Ring }) => (
  <>
    Node {node} remembers {attempts.length}, since <Ago at={since} />
    {dropped > 0 && `; ${dropped} older ${dropped === 1 ? "one was" : "ones were"} pushed out`}.{" "}
  </>
)

type ChangeMoment = Extract<Moment, { readonly kind: "change" }>

const ChangeItem = ({ data, moment }: { readonly moment: ChangeMoment; readonly data: ReadonlyArray<Change> }) => {
  const { entry, losers } = moment
  return (
    <li class={`moment ${tone(entry)}`}>
      <article aria-label={`Version ${entry.version}: ${did(entry)}`}>
        <p class="what">
          <span class="version">v{entry.version}</span> <strong>{did(entry)}</strong>
        </p>
        <p class="meta">
          {Race.who(entry.by)}, <Ago at={entry.at} /> <When at={entry.at} />
        </p>
        {remarks(entry).map((text) => (
          <p key={text} class="remark">
            {text}
          </p>
        ))}
        <Changes changes={data} />
        {losers.length > 0 && (
          <div class="race">
            <h3>
              Race: {Race.who(entry.by)} won against {losers.length === 1 ? "one call" : `${losers.length} calls`}
            </h3>
            <Strip entry={entry} losers={losers} />
            <Losers losers={losers.slice(0, shownMaxCount)} winner={entry} />
            {losers.length > shownMaxCount && (
              <details>
                <summary>{losers.length - shownMaxCount} more</summary>
                <Losers losers={losers.slice(shownMaxCount)} winner={entry} />
              </details>
            )}
          </div>
        )}
      </article>
    </li>
  )
}

/** Losers of one race that are shown at once. */
const shownMaxCount = 5

interface LosersOf {
  readonly losers: ReadonlyArray<Loser>
  readonly winner: HistoryEntry
}

const Losers = ({ losers, winner }: LosersOf) => (
  <ol>
    {losers.map((loser) => (
      <li key={`${loser.at} ${loser.attempt.by} ${loser.attempt.next}`}>
        <LoserItem loser={loser} winner={winner} />
      </li>
    ))}
  </ol>
)

const tone = ({ type }: HistoryEntry): string =>
  type === "TaskFailed" ? "failed" : type === "LateResult" ? "late" : type === "Claimed" ? "claimed" : "accepted"

/** The time of day with milliseconds, by which moments of one race are told apart. */
const When = ({ at }: { readonly at: number }) => (
  <time class="when" dateTime={new Date(at).toISOString()} title={exact(at)}>
    {timeOfDay(at)}
  </time>
)

const LoserItem = ({ loser, winner }: { readonly loser: Loser; readonly winner: HistoryEntry | null }) => {
  const { at, attempt, behindMillis } = loser
  const expected = Race.expectation(attempt)
  const truth = Race.truth(attempt)
  return (
    <article class="loser" aria-label={`Refused: ${Race.who(attempt.by)}, ${Race.wanted(attempt)}`}>
      <p class="what">
        <span class="refused">refused</span>
        <span>
          <strong>{Race.who(attempt.by)}</strong>: {Race.wanted(attempt)}
        </span>
        {behindMillis !== null && behindMillis >= 0 && <span class="behind">+{span(behindMillis)}</span>}
      </p>
      <p>{Race.why(loser, winner)}</p>
      <dl class="versus">
        {expected !== null && (
          <div>
            <dt>It expected</dt>
            <dd>{expected}</dd>
          </div>
        )}
        {truth !== null && (
          <div>
            <dt>True was</dt>
            <dd>{truth}</dd>
          </div>
        )}
      </dl>
      <p class="meta">
        <When at={at} /> <code>{attempt.reason === "" ? attempt.tag : `${attempt.tag}, ${attempt.reason}`}</code>
      </p>
    </article>
  )
}
