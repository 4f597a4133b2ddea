/**
 * EnginePage: what the node that answers does: accepted and refused a second, commits, sessions, and its place in a
 * cluster. The server returns counters; the page computes rates from two readings.
 */
import type { Result } from "@onelane/client"
import * as Admin from "./Admin.js"
import type { Api } from "./Api.js"
import { Bars, Buckets } from "./Charts.js"
import { count, rate, span } from "./Durations.js"
import { Fact } from "./Facts.js"
import { Notice } from "./Notice.js"
import { usePolled } from "./Poll.js"
import * as Rates from "./Rates.js"
import { Ago } from "./Times.js"

const pollMillis = 2_000

const read = async (api: Api, signal: AbortSignal, before: Rates.Readings | null): Promise<Result<Rates.Readings>> => {
  const result = await Admin.stats(api, signal)
  return result.ok ? { ok: true, value: Rates.add(before ?? [], result.value) } : result
}

/** The page of the engine. */
export const EnginePage = ({ api }: { readonly api: Api }) => {
  const { error, value } = usePolled<Rates.Readings>("engine", pollMillis, (signal, before) =>
    read(api, signal, before)
  )
  const counts = usePolled("counts", 5_000, (signal) => Admin.counts(api, 60_000, signal)).value
  const last = value?.at(-1)
  return (
    <>
      <div class="head">
        <h1 tabIndex={-1}>Engine</h1>
        {last !== undefined && (
          <p class="fine">
            Node {last.node}, release {last.release}, started <Ago at={last.startedAt} />
          </p>
        )}
      </div>
      {error !== null && <Notice error={error} />}
      {value === null && error === null && <p class="fine">Reading …</p>}
      {value !== null && last !== undefined && (
        <>
          <Traffic readings={value} />
          <Commits readings={value} last={last} />
          <Sessions last={last} counts={counts} />
          <Cluster last={last} />
        </>
      )}
    </>
  )
}

const Traffic = ({ readings }: { readonly readings: Rates.Readings }) => {
  const intervals = Rates.intervals(readings)
  const causes = Rates.causes(intervals)
  const now = intervals.at(-1)
  const whole = Rates.overall(readings)
  const names = ["accepted", ...causes]
  const columns = intervals.map((each) => [each.accepted, ...Rates.byCause(each, causes)])
  const valueOf = (interval: Rates.Interval | null | undefined, index: number): string => {
    if (interval === null || interval === undefined) return "–"
    return rate([interval.accepted, ...Rates.byCause(interval, causes)][index] ?? 0)
  }
  return (
    <section class="panel" aria-labelledby="traffic">
      <h2 id="traffic">Accepted and refused a second</h2>
      <Bars
        columns={columns}
        most={Rates.readingsMaxCount - 1}
        label={`The last ${span((whole?.seconds ?? 0) * 1_000)}: ${valueOf(now, 0)} accepted a second now`}
      />
      <table class="plain">
        <thead>
          <tr>
            <th scope="col">What</th>
            <th scope="col" class="num">
              Now
            </th>
            <th scope="col" class="num">
              {whole === null ? "Mean" : `Mean of ${span(whole.seconds * 1_000)}`}
            </th>
          </tr>
        </thead>
        <tbody>
          {names.map((name, index) => (
            <tr key={name}>
              <th scope="row">
                <svg class="key" width="10" height="10" aria-hidden="true">
                  <rect width="10" height="10" rx="2" class={`c${index}`} />
                </svg>{" "}
                {index === 0 ? "accepted" : `refused: ${name}`}
              </th>
              <td class="num">{valueOf(now, index)}</td>
              <td class="num">{valueOf(whole, index)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {causes.length === 0 && <p class="fine">Nothing was refused since this page looks.</p>}
    </section>
  )
}

interface CommitsOf {
  readonly readings: Rates.Readings
  readonly last: Admin.Stats
}

const upTo = (value: number | null, unit: string): string =>
  value === null ? "–" : value === Number.POSITIVE_INFINITY ? "above all" : `≤ ${count(value)}${unit}`

const Commits = ({ last, readings }: CommitsOf) => {
  const first = readings.length > 1 ? readings[0] : undefined
  const hasNew = first !== undefined && last.commits.count > first.commits.count
  const recent = (name: "sizes" | "durations"): Admin.Histogram =>
    hasNew ? Rates.since(first.commits[name], last.commits[name]) : last.commits[name]
  const [sizes, durations] = [recent("sizes"), recent("durations")]
  return (
    <section class="panel" aria-labelledby="commits">
      <h2 id="commits">
        Commits <span class="fine">{hasNew ? "while this page looks" : "since the node started"}</span>
      </h2>
      <dl class="facts">
        <Fact name="In all">{count(last.commits.count)}</Fact>
        <Fact name="Failed">{count(last.commits.failures)}</Fact>
        <Fact name="Changes a commit, median">{upTo(Rates.quantile(sizes, 0.5), "")}</Fact>
        <Fact name="Changes a commit, 99 %">{upTo(Rates.quantile(sizes, 0.99), "")}</Fact>
        <Fact name="Time, median">{upTo(Rates.quantile(durations, 0.5), " ms")}</Fact>
        <Fact name="Time, 99 %">{upTo(Rates.quantile(durations, 0.99), " ms")}</Fact>
      </dl>
      <div class="pair">
        <Buckets title="Changes in a commit" unit="" histogram={sizes} />
        <Buckets title="Time of a commit" unit=" ms" histogram={durations} />
      </div>
    </section>
  )
}

interface SessionsOf {
  readonly last: Admin.Stats
  readonly counts: Admin.Counts | null
}

const mebibytes = (bytes: number): string => `${count(Math.round(bytes / 1_048_576))} MiB`

const Sessions = ({ counts, last }: SessionsOf) => {
  const some = (value: number): string =>
    counts !== null && value >= counts.atMost ? `${count(value)} or more` : count(value)
  return (
    <section class="panel" aria-labelledby="sessions">
      <h2 id="sessions">Sessions and work</h2>
      <dl class="facts">
        {counts !== null && <Fact name="Live">{some(counts.live)}</Fact>}
        {counts !== null && <Fact name="Failed">{some(counts.failed)}</Fact>}
        <Fact name="In memory here">{count(last.sessionsActive)}</Fact>
        <Fact name="Tasks running here">{count(last.tasksRunning)}</Fact>
        <Fact name="Waiting for a turn">{count(last.mailboxDepth)}</Fact>
        <Fact name="Overloads">{count(last.overloads)}</Fact>
        <Fact name="Lost to another writer">{count(last.conflicts)}</Fact>
        <Fact name="Requests open">{count(last.http.requests)}</Fact>
        <Fact name="Streams open">{count(last.http.streams)}</Fact>
        <Fact name="Memory">{mebibytes(last.memoryBytes)}</Fact>
        <Fact name="Store's log">{mebibytes(last.storeLogBytes)}</Fact>
        <Fact name="Clock offset">{Math.round(last.clockOffsetMillis)} ms</Fact>
        <Fact name="Refusals remembered">
          of {count(last.attempts.sessions)} sessions, since <Ago at={last.attempts.since} />
        </Fact>
      </dl>
    </section>
  )
}

const Cluster = ({ last }: { readonly last: Admin.Stats }) => (
  <section class="panel" aria-labelledby="cluster">
    <h2 id="cluster">Nodes and shards</h2>
    {last.cluster === null ? (
      <p>This server is no cluster: one node owns every session.</p>
    ) : (
      <dl class="facts">
        <Fact name="Nodes">{count(last.cluster.nodes)}</Fact>
        <Fact name="Shards held by this node">
          {count(last.cluster.heldShards)} of {count(last.cluster.shards)}
        </Fact>
      </dl>
    )}
    <p class="fine">Figures of this page are of the node that answered, {last.node}.</p>
  </section>
)
