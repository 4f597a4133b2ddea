/**
 * Operations: the pages for operators: `/healthz` (the process answers), `/readyz` (the store answers and accepts
 * commits, the server is not shutting down) and `/metrics` (Prometheus text). The first two answer one word and need no
 * token.
 */
import type { Access } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { AdapterError, WireAnswer, WireError, type WireFormat } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as Samples from "./Samples.js"

/** Who may read `/metrics`: everybody, callers with modify-all-data, nobody. */
export type MetricsFor = "everybody" | "operators" | "nobody"

/** What the pages report on. */
export interface Parts {
  readonly journal: Journal.JournalShape
  readonly access: Access.AccessShape
  /** Why the last commit failed; null if it succeeded. */
  readonly failing: () => string | null
  /** Why the server takes no work, in a word; null if it does. */
  readonly refusing: () => string | null
  readonly samples: () => ReadonlyArray<Samples.Sample>
}

/** Timeout of the store, milliseconds. */
const storeMillis = 1_000

const word = (status: number, text: string): WireAnswer.WireAnswer => WireAnswer.json(status, { status: text })

// An address that does not exist: the cheapest read.
const nobody = { kind: "readyz", id: "readyz" }

/** The answer of `/readyz`. */
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

/** The pages that need no token. */
export const pages = (
  parts: Parts,
  metricsFor: MetricsFor
): Readonly<Record<string, Effect.Effect<WireAnswer.WireAnswer>>> => ({
  "/healthz": Effect.succeed(word(200, "alive")),
  "/readyz": ready(parts),
  ...(metricsFor === "everybody" ? { "/metrics": metrics(parts) } : {})
})

/** `/metrics` for callers with modify-all-data. For others it does not exist. */
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
