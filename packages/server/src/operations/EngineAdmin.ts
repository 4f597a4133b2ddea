/**
 * EngineAdmin: the operations about the engine: its flow, and what it has counted since it started. The numbers are
 * those of `/metrics`; for rates, compare two answers.
 */
import { EngineMetrics } from "@onelane/engine"
import { DoorMetrics, WireSession } from "@onelane/http"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { version as release } from "../settings/Release.js"
import { Count, Done } from "./AdminInput.js"
import { operation } from "./AdminOperation.js"
import * as Running from "./Running.js"

const Names = Schema.Array(Schema.String)
const { Instant } = WireSession

const flow = operation(
  Done,
  Schema.Struct({
    name: Schema.String,
    version: Count,
    initial: Schema.String,
    states: Names,
    edges: Schema.Record({ key: Schema.String, value: Names }),
    tasks: Names,
    finals: Names,
    keepsData: Schema.Boolean
  }),
  () =>
    Effect.map(Running.server, ({ flow: { data, edges, initial, name, states, tasks, version } }) => ({
      name,
      version,
      initial,
      states: [...states],
      edges: Object.fromEntries([...edges].map(([from, to]) => [from, [...to]])),
      tasks: [...tasks.keys()],
      finals: [...states].filter((state) => (edges.get(state)?.size ?? 0) === 0),
      keepsData: data !== null
    }))
)

const Numbers = Schema.Record({ key: Schema.String, value: Count })

/** A histogram; `counts` has one more number than `bounds`, for values above the last bound. */
const Buckets = Schema.Struct({ bounds: Schema.Array(Schema.Number), counts: Schema.Array(Count) })

const Stats = Schema.Struct({
  node: Schema.String,
  release: Schema.String,
  startedAt: Instant,
  at: Instant,
  accepted: Count,
  refused: Count,
  overloads: Count,
  conflicts: Count,
  refusals: Numbers,
  answers: Numbers,
  commits: Schema.Struct({
    count: Count,
    entries: Count,
    failures: Count,
    millis: Schema.Number,
    sizes: Buckets,
    durations: Buckets
  }),
  http: Schema.Struct({ requests: Count, streams: Count, waits: Count, durations: Buckets }),
  sessionsActive: Count,
  tasksRunning: Count,
  mailboxDepth: Count,
  clockOffsetMillis: Schema.Number,
  memoryBytes: Count,
  storeLogBytes: Count,
  attempts: Schema.NullOr(Schema.Struct({ since: Instant, sessions: Count, bytes: Count })),
  cluster: Schema.NullOr(Schema.Struct({ nodes: Count, heldShards: Count, shards: Count }))
})

const stats = operation(Done, Stats, () =>
  Effect.gen(function* () {
    const running = yield* Running.server
    return statsOf(running, yield* Clock.currentTimeMillis)
  })
)

const statsOf = (running: Running.RunningServer, at: number): typeof Stats.Type => {
  const { door, metrics } = running
  const { commit, sessions } = metrics
  const { requests, streams, waits } = door.inside()
  return {
    node: running.node(),
    release,
    startedAt: running.startedAt,
    at,
    accepted: sessions.accepted,
    refused: sessions.refused,
    overloads: sessions.overloads,
    conflicts: sessions.conflicts,
    refusals: Object.fromEntries(door.refusals),
    answers: Object.fromEntries([...door.answers].map(([status, count]) => [String(status), count])),
    commits: {
      count: commit.appends,
      entries: commit.entries,
      failures: commit.failures,
      millis: commit.appendMillis,
      sizes: { bounds: EngineMetrics.batchEntriesBounds, counts: commit.batchEntriesBuckets },
      durations: { bounds: EngineMetrics.batchMillisBounds, counts: commit.batchMillisBuckets }
    },
    http: {
      requests,
      streams,
      waits,
      durations: { bounds: DoorMetrics.answerMillisBounds, counts: door.answerMillisBuckets }
    },
    sessionsActive: sessions.live,
    tasksRunning: metrics.tasks(),
    mailboxDepth: commit.held,
    clockOffsetMillis: metrics.clockOffsetMillis(),
    memoryBytes: process.memoryUsage.rss(),
    storeLogBytes: running.store.logBytes(),
    attempts: metrics.attempts === null ? null : metrics.attempts(),
    cluster: running.cluster()
  }
}

/** The operations. */
export const operations = { "engine.flow": flow, "engine.stats": stats }
