/**
 * Calls: the service as the doors call it: without streams, so that opening an engine loads nothing of `Stream`. The layers of
 * Effect programs add streams, which loads them.
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
