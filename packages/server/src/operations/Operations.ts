/**
 * Operations: what those who run the server look at: `/healthz` (the process answers), `/readyz` (it takes work: the
 * store answers and takes commits, the server is not about to end), `/metrics` (Prometheus text). The first two say one word and are open.
 */
import type { Access } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { AdapterError, WireAnswer, WireError, type WireFormat } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as Samples from "./Samples.js"

/** Who may read `/metrics`: everybody, callers with modify-all-data, nobody. */
export type MetricsFor = "everybody" | "operators" | "nobody"

/** What is looked at. */
export interface Parts {
  readonly journal: Journal.JournalShape
  readonly access: Access.AccessShape
  /** Why the last commit failed; null when it did not. */
  readonly failing: () => string | null
  /** Whether it takes work; a word when it does not. */
  readonly refusing: () => string | null
  readonly samples: () => ReadonlyArray<Samples.Sample>
}

/** Milliseconds the store has for an answer. */
const storeMillis = 1_000

const word = (status: number, text: string): WireAnswer.WireAnswer => WireAnswer.json(status, { status: text })

// Reading an address that nobody has is the smallest question a store can be asked.
const nobody = { kind: "readyz", id: "readyz" }

/** Whether work should be sent here. */
export const ready = ({ failing, journal, refusing }: Parts): Effect.Effect<WireAnswer.WireAnswer> =>
  Effect.suspend(() => {
    const why = refusing()
    if (why !== null) return Effect.succeed(word(503, why))
    if (failing() !== null) return Effect.succeed(word(503, "store takes no commits"))
    return Effect.suspend(() => journal.load(nobody)).pipe(
      Effect.timeoutFail({ duration: storeMillis, onTimeout: () => null }),
      Effect.match({ onSuccess: () => word(200, "ready"), onFailure: () => word(503, "store unreachable") })
    )
  })

const metricsType = "text/plain; version=0.0.4; charset=utf-8"

const metrics = ({ samples }: Parts): Effect.Effect<WireAnswer.WireAnswer> =>
  Effect.sync(() => WireAnswer.make(200, metricsType, Samples.prometheus(samples())))

/** The pages that are open to everybody. */
export const pages = (
  parts: Parts,
  metricsFor: MetricsFor
): Readonly<Record<string, Effect.Effect<WireAnswer.WireAnswer>>> => ({
  "/healthz": Effect.succeed(word(200, "alive")),
  "/readyz": ready(parts),
  ...(metricsFor === "everybody" ? { "/metrics": metrics(parts) } : {})
})

/** `/metrics` for those who may do everything. To others it does not exist. */
export const metricsFormat = (parts: Parts): WireFormat => ({
  route: ({ method, path }) => {
    if (path !== "/metrics") return AdapterError.notFound
    if (method !== "GET" && method !== "HEAD") return AdapterError.methodNotAllowed(["GET"])
    return {
      body: "none",
      run: ({ caller }) =>
        Effect.flatMap(
          Effect.orElseSucceed(parts.access.mayInvoke(caller, "administer"), () => false),
          (allowed) => (allowed ? metrics(parts) : Effect.fail(AdapterError.notFound))
        )
    }
  },
  refuse: (error) => WireError.problem(error)
})
