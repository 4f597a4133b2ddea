/**
 * Samples: what the server counts, as a list with names, kinds and labels, read out when somebody looks. One list for
 * every way in which it is told: Prometheus text (`prometheus`), OpenTelemetry (`Telemetry`).
 */
import type { CheckoutEngine } from "@onelane/checkout"
import { EngineMetrics } from "@onelane/engine"
import { DoorMetrics } from "@onelane/http"

/** A number, with labels. */
export interface Value {
  readonly value: number
  readonly labels?: Readonly<Record<string, string>>
}

/** Durations in buckets; `bounds` are milliseconds, `counts` has one more for the rest. */
export interface Durations {
  readonly bounds: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly sumMillis: number
}

/** One thing that is counted. */
export type Sample = { readonly name: string; readonly text: string } & (
  | { readonly kind: "counter" | "gauge"; readonly values: ReadonlyArray<Value> }
  | { readonly kind: "histogram"; readonly durations: Durations }
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

const ofEngine = ({ commit, sessions, tasks }: Engine): ReadonlyArray<Sample> => [
  one("counter", "onelane_turns_total", "Turns begun.", sessions.turns),
  one("counter", "onelane_turns_accepted_total", "Turns that changed a session.", sessions.accepted),
  one("counter", "onelane_turns_refused_total", "Turns that a rule refused.", sessions.refused),
  one("counter", "onelane_waits_total", "Commands that could not be answered at once.", sessions.waits),
  one("counter", "onelane_overloads_total", "Commands turned away at a bound.", sessions.overloads),
  one("counter", "onelane_defects_total", "Defects of rules and ports.", sessions.defects),
  one("counter", "onelane_conflicts_total", "Entries another writer was before.", sessions.conflicts),
  one("counter", "onelane_session_loads_total", "Sessions read from the store.", sessions.loads),
  one("counter", "onelane_session_passivations_total", "Sessions put to sleep.", sessions.passivations),
  one("gauge", "onelane_sessions_live", "Sessions awake.", sessions.live),
  one("gauge", "onelane_mailbox_depth", "Commands that wait for a turn or a commit.", commit.held),
  one("gauge", "onelane_tasks_running", "Tasks under way.", tasks()),
  one("counter", "onelane_commit_entries_total", "Changes written.", commit.entries),
  one("counter", "onelane_commit_failures_total", "Commits that failed.", commit.failures),
  one(
    "gauge",
    "onelane_commit_batch_entries",
    "Changes in a commit, on average since the start.",
    commit.appends === 0 ? 0 : commit.entries / commit.appends
  ),
  {
    kind: "histogram",
    name: "onelane_commit_duration_seconds",
    text: "Time of a commit.",
    durations: {
      bounds: EngineMetrics.batchMillisBounds,
      counts: commit.batchMillisBuckets,
      sumMillis: commit.appendMillis
    }
  }
]

const ofDoor = (door: DoorMetrics.DoorMetrics): ReadonlyArray<Sample> => {
  const inside = door.inside()
  return [
    labelled("onelane_http_answers_total", "Answers by HTTP status.", "status", door.answers),
    labelled("onelane_refusals_total", "Refusals by tag or code.", "tag", door.refusals),
    one("gauge", "onelane_http_requests_open", "Requests being answered.", inside.requests),
    one("gauge", "onelane_http_streams_open", "Event streams open.", inside.streams),
    one("gauge", "onelane_http_body_bytes", "Bytes of bodies being read.", inside.bodyBytes),
    {
      kind: "histogram",
      name: "onelane_http_answer_duration_seconds",
      text: "Time of an answer.",
      durations: {
        bounds: DoorMetrics.answerMillisBounds,
        counts: door.answerMillisBuckets,
        sumMillis: door.answerMillis
      }
    }
  ]
}

/** Everything, as it is now. */
export const read = (engine: Engine, door: DoorMetrics.DoorMetrics): ReadonlyArray<Sample> => [
  ...ofEngine(engine),
  ...ofDoor(door),
  one("gauge", "process_resident_memory_bytes", "Memory of the process.", process.memoryUsage.rss())
]

/** The text format of Prometheus, version 0.0.4. */
export const prometheus = (samples: ReadonlyArray<Sample>): string =>
  samples
    .map((sample) => {
      const head = `# HELP ${sample.name} ${sample.text}\n# TYPE ${sample.name} ${sample.kind}\n`
      return head + (sample.kind === "histogram" ? histogram(sample.name, sample.durations) : lines(sample))
    })
    .join("")

const lines = ({ name, values }: { readonly name: string; readonly values: ReadonlyArray<Value> }): string =>
  values.map(({ labels, value }) => `${name}${labelText(labels)} ${value}\n`).join("")

const labelText = (labels: Value["labels"] = {}): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/["\\\n]/g, "\\$&")}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const histogram = (name: string, { bounds, counts, sumMillis }: Durations): string => {
  let total = 0
  const buckets = counts.map((count, index) => {
    total += count
    const bound = bounds[index]
    return `${name}_bucket{le="${bound === undefined ? "+Inf" : bound / 1_000}"} ${total}\n`
  })
  return `${buckets.join("")}${name}_sum ${sumMillis / 1_000}\n${name}_count ${total}\n`
}
