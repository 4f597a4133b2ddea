/**
 * App: the definition of a shop, independent of where it runs: its flow with tasks, access rules, carts and limits. The
 * same object opens an engine in a program (`Onelane.open({ ...app, storage })`) and behind a server (`onelane serve
 * --app ./shop.js`).
 */
import * as Access from "@onelane/checkout/Access"
import * as Carts from "@onelane/checkout/Carts"
import type * as CheckoutEngine from "@onelane/checkout/CheckoutEngine"
import * as Flow from "@onelane/checkout/Flow"
import type { AsyncContext } from "@onelane/engine"
import * as Fields from "@onelane/engine/Fields"
import * as Layer from "effect/Layer"
import * as HostContext from "./HostContext.js"
import * as Options from "./Options.js"
import * as Ports from "./Ports.js"

/** The definition of a shop. */
export interface App<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow> {
  /** A preset's name or a flow of the host's own. Default `"b2b"`. */
  readonly flow?: X | undefined
  /**
   * The host's access rules, called in the async context (`AsyncLocalStorage`) of the call. Default: a buyer owns what
   * it opens and sees nothing else; with `directory: true`, what the directory says.
   */
  readonly access?: Ports.HostAccess | undefined
  /**
   * The host's carts, called in the async context of the call. Default: every cart id is an active cart that belongs to
   * the buyer who opened it; with `directory: true`, the directory's carts.
   */
  readonly carts?: Ports.HostCarts | undefined
  /** Stores users, accounts, stores and carts in the same storage and uses them for access and carts. Default false. */
  readonly directory?: boolean | undefined
  /** Milliseconds until a new session expires, unless `open` says otherwise. Default: never. */
  readonly expiresInMillis?: number | undefined
  /**
   * Most bytes of a session's data, as JSON in UTF-8; 1 to 1,048,576. Default 65,536. Only for a flow that declares
   * `data`.
   */
  readonly dataMaxBytes?: number | undefined
  /**
   * Milliseconds that running tasks get to finish when the engine closes; unfinished claims are resumed later. Default
   * 5,000.
   */
  readonly taskDrainMillis?: number | undefined
}

const aYearMillis = 31_536_000_000

const aMebibyte = 1_048_576

/** What each field must be. */
export const fields: Options.Options<App> = {
  flow: {
    is: `the name of a preset (${Object.keys(Flow.presets).join(", ")}), or what Flow.defineFlow gave`,
    check: (value) => (typeof value === "string" ? Object.hasOwn(Flow.presets, value) : Flow.isFlow(value))
  },
  access: Options.functions("mayInvoke", "rights"),
  carts: Options.functions("find"),
  directory: Options.flag,
  expiresInMillis: Options.whole(1, aYearMillis),
  dataMaxBytes: Options.whole(1, aMebibyte),
  taskDrainMillis: Options.whole(0, aYearMillis)
}

/** The fault of an app, as a sentence that names the field; null if there is none. */
export const faultOf = (app: unknown): string | null => Fields.sentenceOf(app, fields as Fields.Fields)

/** A copy with the functions bound to their objects: the host may change its own object afterwards. */
export const copyOf = <A extends App>(app: A): A => ({
  ...app,
  access: app.access && Ports.bind(app.access, "mayInvoke", "rights"),
  carts: app.carts && Ports.bind(app.carts, "find")
})

/**
 * Defines a shop once, for every place where it runs. Returns a frozen copy.
 *
 * **Errors**: a `TypeError` that names the field.
 */
export const defineApp = <
  const X extends Flow.PresetName | Flow.Flow = "b2b",
  const D extends boolean | undefined = undefined
>(
  app: App<X> & { readonly directory?: D }
): Readonly<App<X> & { readonly directory?: D }> => {
  const fault = faultOf(app)
  if (fault !== null) throw new TypeError(`defineApp: ${fault}`)
  const given = Object.entries(copyOf(app)).filter(([, value]) => value !== undefined)
  return Object.freeze(Object.fromEntries(given)) as Readonly<App<X> & { readonly directory?: D }>
}

/** The flow of an app. */
export const flowOf = ({ flow = "b2b" }: App): Flow.Flow => (typeof flow === "string" ? Flow.presets[flow] : flow)

/** The host's own ports, else those of the current directory, else ports that trust every caller. */
export const ports = ({ access, carts, directory }: App): Layer.Layer<never> =>
  Layer.merge(
    access !== undefined ? Ports.layerAccess(access) : directory ? Layer.empty : Access.layerTrusted,
    carts !== undefined ? Ports.layerCarts(carts) : directory ? Layer.empty : Carts.layerTrusted
  )

/** Captures the async context of a call. Only ports of the host can observe it. */
export const captureOf = ({ access, carts }: App): AsyncContext.Capture | undefined =>
  access !== undefined || carts !== undefined ? HostContext.capture : undefined

/** The options of an app for the engine. Tasks start in the async context of this call. */
export const engineOptions = (app: App): CheckoutEngine.CheckoutEngineOptions => {
  const { dataMaxBytes, expiresInMillis, taskDrainMillis } = app
  const taskContext = HostContext.capture()
  return { flow: flowOf(app), dataMaxBytes, expiresInMillis, taskDrainMillis, taskContext }
}
