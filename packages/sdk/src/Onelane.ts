/**
 * Onelane: the entry points. `open` and `connect` return the same object over Promises; `layer` and `layerRemote`
 * provide the same service to Effect programs.
 */
import type { CheckoutSessions, Flow } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Checkout } from "./door/Checkout.js"
import type { FlowOf } from "./door/Typed.js"
import type { RemoteOptions } from "./open/Remote.js"

export { layer, layerTest, layerWithDirectory, open } from "./open/Embedded.js"

/**
 * Connects to a server. Nothing is sent before the first call. **Errors**: rejects with a `TypeError` for invalid
 * options.
 */
export const connect = async <X extends Flow.PresetName | Flow.Flow = "b2b">(
  options: RemoteOptions<X>
): Promise<Checkout<FlowOf<X>>> => (await import("./open/Remote.js")).connect(options)

/** The service of a remote server, as a layer. */
export const layerRemote = (options: RemoteOptions): Layer.Layer<CheckoutSessions.CheckoutSessions> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.promise(() => import("./open/RemoteLayer.js")),
      ({ layer }) => layer(options)
    )
  )
