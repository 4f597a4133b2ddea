/**
 * Samples: the metrics of the server, as a list with names, kinds and labels, read on demand. One list for both
 * exporters: Prometheus text (`prometheus`) and OpenTelemetry (`Telemetry`).
 */
import type { CheckoutEngine } from "@onelane/checkout"
import { EngineMetrics } from "@onelane/engine"
import { DoorMetrics } from "@onelane/http"
import type { StoreHealth } from "@onelane/sql"

/** A number, with labels. */
export interface Value {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

/** A histogram: upper bounds of its buckets; `counts` has one more, for larger values. */
export interface Buckets {
  readonly bounds: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly sum: number
}

/** One metric. */
export type Sample = { readonly name: string; readonly text: string } & (
  | { readonly kind: "counter" | "gauge"; readonly values: ReadonlyArray<Value> }
  | { readonly kind: "histogram"; readonly buckets: Buckets }
)

type Engine = CheckoutEngine.CheckoutEngineShape["metrics"]

const one = (kind: "counter" | "gauge", name: string, text: string, value: number): Sample => ({
  kind,
  name,
  text,
  values: [{ value }]
})

const labelled = (name: string, text: string, label: string, counts: ReadonlyMap<unknown, number>): Sample => ({
  kind: "counter",
  name,
  text,
  values: [...counts].map(([key, value]) => ({ value, labels: { [label]: String(key) } }))
})

/** A number for each kind of actor: sessions and carts. */
const ofActors = (
  { carts, sessions }: Engine,
  kind: "counter" | "gauge",
  name: string,
  text: string,
  of: keyof Engine["sessions"]
): Sample => ({
  kind,
  name,
  text,
  values: [
    { value: sessions[of], labels: { lane: "session" } },
    { value: carts[of], labels: { lane: "cart" } }
  ]
})

const seconds = (boundsMillis: ReadonlyArray<number>, counts: ReadonlyArray<number>, sumMillis: number): Buckets => ({
  bounds: boundsMillis.map((millis) => millis / 1_000),
  counts,
  sum: sumMillis / 1_000
})

const ofEngine = (engine: Engine): ReadonlyArray<Sample> => {
  const { commit, sessions, tasks } = engine
  return [
    ofActors(engine, "counter", "onelane_turns_total", "Turns started.", "turns"),
    ofActors(engine, "counter", "onelane_turns_accepted_total", "Turns that changed something.", "accepted"),
    ofActors(engine, "counter", "onelane_turns_refused_total", "Turns that a rule refused.", "refused"),
    ofActors(engine, "counter", "onelane_waits_total", "Commands that could not be answered at once.", "waits"),
    ofActors(
      engine,
      "counter",
      "onelane_overloads_total",
      "Commands refused because a bound was reached.",
      "overloads"
    ),
    ofActors(engine, "counter", "onelane_defects_total", "Defects of rules and ports.", "defects"),
    ofActors(engine, "counter", "onelane_conflicts_total", "Entries that lost to another writer.", "conflicts"),
    ofActors(engine, "counter", "onelane_loads_total", "Actors loaded from the store.", "loads"),
    ofActors(engine, "counter", "onelane_passivations_total", "Actors passivated.", "passivations"),
    one("gauge", "onelane_sessions_live", "Active sessions.", sessions.live),
    one("gauge", "onelane_mailbox_depth", "Commands that wait for a turn or a commit.", commit.held),
    one("gauge", "onelane_tasks_running", "Running tasks.", tasks()),
    one(
      "gauge",
      "onelane_clock_offset_seconds",
      "How far the database's clock, which counts, is ahead of this process's.",
      engine.clockOffsetMillis() / 1_000
    ),
    one("counter", "onelane_commit_failures_total", "Commits that failed.", commit.failures),
    {
      kind: "histogram",
      name: "onelane_commit_batch_entries",
      text: "Changes in a commit.",
      buckets: {
        bounds: EngineMetrics.batchEntriesBounds,
        counts: commit.batchEntriesBuckets,
        sum: commit.entries
      }
    },
    {
      kind: "histogram",
      name: "onelane_commit_duration_seconds",
      text: "Time of a commit.",
      buckets: seconds(EngineMetrics.batchMillisBounds, commit.batchMillisBuckets, commit.appendMillis)
    }
  ]
}

const ofDoor = (door: DoorMetrics.DoorMetrics): ReadonlyArray<Sample> => {
  const inside = door.inside()
  return [
    labelled("onelane_http_answers_total", "Answers by HTTP status.", "status", door.answers),
    labelled("onelane_refusals_total", "Refusals by tag or code.", "tag", door.refusals),
    one("gauge", "onelane_http_requests_open", "Requests being answered.", inside.requests),
    one("gauge", "onelane_http_streams_open", "Event streams open.", inside.streams),
    one("gauge", "onelane_http_waits_open", "Requests that wait for a session.", inside.waits),
    one("gauge", "onelane_http_body_bytes", "Bytes of bodies being read.", inside.bodyBytes),
    {
      kind: "histogram",
      name: "onelane_http_answer_duration_seconds",
      text: "Time of an answer.",
      buckets: seconds(DoorMetrics.answerMillisBounds, door.answerMillisBuckets, door.answerMillis)
    }
  ]
}

const ofStore = ({ checkpointFailures, logBytes }: StoreHealth.StoreHealthShape): ReadonlyArray<Sample> => [
  one("gauge", "onelane_store_log_bytes", "Bytes of the write-ahead log beside the SQLite file.", logBytes()),
  one(
    "counter",
    "onelane_store_checkpoint_failures_total",
    "Failed checkpoints of the SQLite log.",
    checkpointFailures()
  )
]

/** All metrics, as of now. */
export const read = (
  engine: Engine,
  door: DoorMetrics.DoorMetrics,
  store: StoreHealth.StoreHealthShape
): ReadonlyArray<Sample> => [
  ...ofEngine(engine),
  ...ofStore(store),
  ...ofDoor(door),
  one("gauge", "process_resident_memory_bytes", "Memory of the process.", process.memoryUsage.rss())
]

/** The text format of Prometheus, version 0.0.4. */
export const prometheus = (samples: ReadonlyArray<Sample>): string =>
  samples
    .map((sample) => {
      const head = `# HELP ${sample.name} ${sample.text}\n# TYPE ${sample.name} ${sample.kind}\n`
      const lines = flat(sample).map(({ labels, name, value }) => `${name}${labelText(labels)} ${value}\n`)
      return head + lines.join("")
    })
    .join("")

/** Single numbers under their names in the text format: a histogram is its cumulative buckets, sum and count. */
export const flat = (sample: Sample): ReadonlyArray<Value & { readonly name: string }> => {
  const { name } = sample
  if (sample.kind !== "histogram") return sample.values.map((value) => ({ name, ...value }))
  const { bounds, counts, sum } = sample.buckets
  let total = 0
  const buckets = counts.map((count, index) => {
    total += count
    return { name: `${name}_bucket`, value: total, labels: { le: String(bounds[index] ?? "+Inf") } }
  })
  return [...buckets, { name: `${name}_sum`, value: sum }, { name: `${name}_count`, value: total }]
}

const labelText = (labels: Value["labels"] = {}): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const escaped = (text: string): string => text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")
