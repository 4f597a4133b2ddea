/**
 * Calls: the service without streams. Opening an engine therefore does not load `effect/Stream`; the layers for Effect
 * programs load it and add streams.
 */
import * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** The service without streams. */
export class Calls extends Context.Tag("@onelane/sdk/Calls")<Calls, CheckoutSessions.SessionCalls>() {}

/** The service with streams. */
export const layerSessions: Layer.Layer<CheckoutSessions.CheckoutSessions, never, Calls> = Layer.effect(
  CheckoutSessions.CheckoutSessions,
  Effect.flatMap(
    Effect.promise(() => import("@onelane/checkout/Changes")),
    ({ withStreams }) => Effect.map(Calls, withStreams)
  )
)
