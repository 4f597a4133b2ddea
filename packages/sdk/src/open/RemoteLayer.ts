/**
 * RemoteLayer: the service of a server as a layer, for Effect programs. `Onelane` loads it on demand, so that an
 * embedded program does not load HTTP.
 */
import type { CheckoutSessions } from "@onelane/checkout"
import { CheckoutClient } from "@onelane/http"
import * as Layer from "effect/Layer"
import * as Remote from "./Remote.js"

/** The service as a layer. Connects with the first call. */
export const layer = (options: Remote.RemoteOptions): Layer.Layer<CheckoutSessions.CheckoutSessions> =>
  Layer.suspend(() => CheckoutClient.layer(Remote.take(options)))
