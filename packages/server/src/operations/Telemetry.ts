/**
 * Telemetry: sends traces, metrics and logs to an OpenTelemetry collector (OTLP over HTTP, JSON). The library is loaded
 * only if an endpoint is configured.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import type { Journal } from "@onelane/engine"
import { Tracing } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Samples from "./Samples.js"

/** How often the metrics are exported, milliseconds. */
const readMillis = 10_000

/** The tracer and an additional logger that send to the collector at `url`. */
export const layer = (url: string): Layer.Layer<never> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.promise(() => import("@effect/opentelemetry/Otlp")),
      (Otlp) => Otlp.layerJson({ baseUrl: url, resource: { serviceName: "onelane" } })
    )
  ).pipe(Layer.provide(FetchHttpClient.layer))

const spanned = <A, E>(name: string, attributes: Record<string, unknown>, ask: () => Effect.Effect<A, E>) =>
  Effect.withSpan(Effect.suspend(ask), name, { root: true, captureStackTrace: false, attributes })

/**
 * The journal with a trace for a share (`ratio`) of all commits and loads. These are traces of their own, because one
 * commit serves many requests.
 */
export const traced = (journal: Journal.JournalShape, ratio: number): Journal.JournalShape => {
  const isSampled = Tracing.sampler(ratio)
  return {
    ...journal,
    append: (batch) =>
      isSampled()
        ? spanned("Journal.append", { entries: batch.length }, () => journal.append(batch))
        : journal.append(batch),
    load: (address) =>
      isSampled() ? spanned("Journal.load", { ...address }, () => journal.load(address)) : journal.load(address)
  }
}

/** Copies the metrics to the library's registry repeatedly until the scope closes. */
export const feed = (samples: () => ReadonlyArray<Samples.Sample>): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.forkScoped(
      Effect.forever(
        Effect.zipRight(
          Effect.suspend(() => Effect.forEach(samples(), put, { discard: true })),
          Effect.sleep(readMillis)
        )
      )
    )
  )

const put = (sample: Samples.Sample): Effect.Effect<void> =>
  Effect.forEach(
    Samples.flat(sample),
    ({ labels = {}, name, value }) => {
      let labelled = Metric.gauge(name, { description: sample.text })
      for (const [label, text] of Object.entries(labels)) labelled = Metric.tagged(labelled, label, text)
      return Metric.set(labelled, value)
    },
    { discard: true }
  )
