/**
 * Remote: the service of a server. The token says who the caller is.
 *
 * `Onelane` loads it on demand, so that an embedded program does not load HTTP.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { Caller, type CheckoutSessions, type Flow } from "@onelane/checkout"
import { CheckoutClient } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Behind from "../door/Behind.js"
import * as Calls from "../door/Calls.js"
import * as Checkout from "../door/Checkout.js"
import type { FlowOf } from "../door/Typed.js"
import * as Retry from "../retry/Retry.js"
import * as HostLogger from "./HostLogger.js"
import * as Options from "./Options.js"

/** The server's URL, the token, and options of the client. */
export interface RemoteOptions<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow>
  extends CheckoutClient.Options {
  /** The flow that the server runs; type-level only, not sent. Default `"b2b"`. */
  readonly flow?: X | undefined
  readonly retry?: Retry.RetryOptions | undefined
  /** Takes the log lines. Default: nobody does. `layerRemote` does not use it: an Effect program has its own loggers. */
  readonly logger?: HostLogger.HostLogger | undefined
}

const isUrl = (value: unknown): boolean =>
  typeof value === "string" && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)

const options: Options.Options<RemoteOptions> = {
  url: { is: "an http or https URL", check: isUrl, required: true },
  token: {
    is: "text of printable ASCII without spaces, or a function that gives it", // what a header carries
    check: (value) => typeof value === "function" || (typeof value === "string" && /^[!-~]+$/.test(value)),
    required: true
  },
  timeoutMillis: Options.whole(1, 2_147_483_647),
  flow: { is: "a flow or its name", check: () => true },
  retry: Retry.option,
  logger: HostLogger.option
}

/** The service as a layer. Connects with the first call. */
export const layer = (given: RemoteOptions): Layer.Layer<CheckoutSessions.CheckoutSessions> =>
  Layer.provide(Calls.layerSessions, callsOf(Options.copyOf(given)))

const callsOf = (given: RemoteOptions): Layer.Layer<Calls.Calls> =>
  Layer.scoped(
    Calls.Calls,
    Effect.suspend(() => {
      Options.check("Onelane.connect", given, options)
      return Effect.flatMap(CheckoutClient.make(given), (calls) => Retry.makeScoped(calls, given.retry ?? {}, true))
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

/** Connects to a server. Nothing is sent before the first call. */
export const connect = async <X extends Flow.PresetName | Flow.Flow = "b2b">(
  options: RemoteOptions<X>
): Promise<Checkout.Checkout<FlowOf<X>>> => {
  const { behind } = await Behind.build(callsOf(Options.copyOf(options)), options?.logger)
  return Checkout.make(behind, Caller.host)
}
