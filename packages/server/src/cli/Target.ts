/**
 * Target: where a command acts: on a running server (`--url`, `--token`), else directly on a storage that no server has
 * open. The modules for either are loaded on demand.
 */
import { existsSync } from "node:fs"
import * as Options from "@effect/cli/Options"
import { Caller, type Carts, type CheckoutSessions, type Flow } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import type { StoreBackup } from "@onelane/sql"
import * as Storage from "@onelane/sql/Storage"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type * as Admin from "../operations/Admin.js"
import type { AdminFailure, Operation } from "../operations/AdminOperation.js"
import * as Ending from "../serve/Ending.js"
import type { Kept } from "../serve/Store.js"
import { faultOf } from "../settings/Said.js"

/** Why a command was refused, in one sentence. */
export interface Refused {
  readonly _tag: "Refused"
  readonly message: string
}

/** Creates a `Refused`. */
export const refused = (message: string): Refused => ({ _tag: "Refused", message })

/** The option `--storage`. */
export const storage = Options.text("storage").pipe(
  Options.withPseudoName("file"),
  Options.withDescription("Without --url: the storage, which no server may have open. ONELANE_STORAGE"),
  Options.withFallbackConfig(Config.string("ONELANE_STORAGE")),
  Options.withDefault("onelane.db")
)

/** The options that say where a command acts. */
export const options = {
  url: Options.text("url").pipe(
    Options.withPseudoName("url"),
    Options.withDescription("A running server. ONELANE_URL"),
    Options.withFallbackConfig(Config.string("ONELANE_URL")),
    Options.optional
  ),
  token: Options.text("token").pipe(
    Options.withPseudoName("text"),
    Options.withDescription("A bearer token with modify-all-data. Prefer ONELANE_TOKEN"),
    Options.withFallbackConfig(Config.string("ONELANE_TOKEN")),
    Options.optional
  ),
  storage
}

/** Where a command acts. */
export interface Target {
  readonly url: Option.Option<string>
  readonly token: Option.Option<string>
  readonly storage: string
}

const load = <A>(module: () => Promise<A>): Effect.Effect<A> => Effect.promise(module)

const refuse = (error: object): Refused => {
  const hint = "reason" in error && error.reason === "IN_USE" ? " If that is a server, name it: --url and --token." : ""
  return refused(`${Ending.sentenceOf(error)}${hint}`)
}

/** Refuses a storage that does not exist. */
export const mustExist = (path: string): Effect.Effect<void, Refused> =>
  Effect.gen(function* () {
    const fault = Storage.faultOf(path)
    if (fault !== null) yield* Effect.fail(refused(`the storage ${fault}`))
    if (Storage.isServer(path) || existsSync(path)) return
    yield* Effect.fail(refused(`there is no ${path}; "onelane migrate --storage ${path}" makes it`))
  })

/** Opens an existing storage. */
const opened = (path: string) =>
  Effect.gen(function* () {
    const Store = yield* load(() => import("../serve/Store.js"))
    yield* mustExist(path)
    return yield* Effect.mapError(Layer.build(Store.layer(path)), refuse)
  })

/** Copies a storage that no server has open to this path. */
export const backup = (path: string, to: string): Effect.Effect<StoreBackup.Backup, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const [{ StoreBackup }, Store] = yield* load(() =>
      Promise.all([import("@onelane/sql"), import("../serve/Store.js")])
    )
    yield* mustExist(path)
    const opened = yield* Effect.mapError(Layer.build(Store.client(path)), refuse)
    return yield* Effect.mapError(Context.get(opened, StoreBackup.StoreBackup).make(to), refuse)
  })

const remoteOf = ({ token, url }: Target) =>
  Option.map(url, (url) => ({ url, token: Option.getOrElse(token, () => "") }))

/** The operators' operations on a target. */
export const admin = (target: Target): Effect.Effect<Admin.Admin<Refused>, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const remote = remoteOf(target)
    if (Option.isSome(remote)) {
      const [AdminClient, FetchHttpClient] = yield* load(() =>
        Promise.all([import("../operations/AdminClient.js"), import("@effect/platform/FetchHttpClient")])
      )
      const client = yield* Effect.provide(AdminClient.make(remote.value), FetchHttpClient.layer)
      return { call: (name, input) => Effect.mapError(client.call(name, input), ({ message }) => refused(message)) }
    }
    const kept = yield* opened(target.storage)
    const { operations } = yield* load(() => import("../operations/Admin.js"))
    const all = yield* withRetention(kept)
    // No server has updated the list for the commits of other processes, so it is brought up to date first.
    const { caughtUp } = Context.get(kept, (yield* load(() => import("@onelane/sql"))).SessionList.SessionList)
    return {
      call: (name, input) => {
        const { input: schema, run } = operations[name] as Operation<any, any>
        return Schema.decodeUnknown(schema)(input).pipe(
          Effect.mapError((error) => refused(faultOf(error))),
          Effect.zipLeft(name === "sessions.list" ? Effect.mapError(caughtUp, sentence) : Effect.void),
          Effect.flatMap((said) => Effect.mapError(Effect.provide(run(said, caller), all), sentence))
        )
      }
    }
  })

type Stored = Journal.Journal | Carts.Carts | Kept

// Only removal needs an engine.
const withRetention = (kept: Context.Context<Stored>) =>
  Effect.gen(function* () {
    const { Retention } = yield* load(() => import("@onelane/checkout"))
    const scope = yield* Effect.scope
    const engine = yield* Effect.cached(Scope.extend(engineOn(kept), scope))
    const own = Effect.map(engine, (built) => Context.get(built, Retention.Retention))
    return Context.add(kept, Retention.Retention, {
      prune: (input) => Effect.flatMap(own, ({ prune }) => prune(input)),
      erase: (input) => Effect.flatMap(own, ({ erase }) => erase(input))
    })
  })

const sentence = (failed: AdminFailure): Refused => {
  if (failed._tag === "UnknownEntry") return refused(`There is no such ${failed.entry}: ${failed.id}`)
  return failed._tag === "PortUnavailable"
    ? refused(`The ${failed.port} gave no answer: ${Ending.sentenceOf(failed)}`)
    : refused(failed.message)
}

// Reading a storage must start no task and expire no session: that is up to the server.
const onlooker = { isMine: () => false, isSettled: () => false }

/**
 * The sessions of a target, and the caller. On a storage the caller is the host: opening the file is permission enough.
 * `flow` defines the known states (default: those of all presets).
 */
export const sessions = (
  target: Target,
  flow?: Flow.Flow
): Effect.Effect<CheckoutSessions.CheckoutSessionsShape, Refused, Scope.Scope> =>
  Effect.gen(function* () {
    const remote = remoteOf(target)
    const { CheckoutSessions } = yield* load(() => import("@onelane/checkout"))
    if (Option.isSome(remote)) {
      const { CheckoutClient } = yield* load(() => import("@onelane/http"))
      const client = yield* Layer.build(CheckoutClient.layer(remote.value))
      return Context.get(client, CheckoutSessions.CheckoutSessions)
    }
    return Context.get(yield* engineOn(yield* opened(target.storage), flow), CheckoutSessions.CheckoutSessions)
  })

// The flow of the sessions is unknown here: they keep the flow version that wrote them, and are not migrated.
const engineOn = (kept: Context.Context<Stored>, flow?: Flow.Flow) =>
  Effect.gen(function* () {
    const { Access, CheckoutEngine, Flow: Flows } = yield* load(() => import("@onelane/checkout"))
    const options = { flow: flow ?? Flows.presets.any, custody: onlooker, keepsFlow: true }
    const ports = Layer.merge(Layer.succeedContext(kept), Access.layerTrusted)
    return yield* Effect.provide(CheckoutEngine.make(options), ports)
  })

/** The caller; a server decides by the token. */
export const caller: Caller.Caller = Caller.host

/** Runs a command. A refusal goes to standard error with exit code 1. */
export const run = (command: Effect.Effect<void, Refused, Scope.Scope>): Effect.Effect<void> =>
  Effect.scoped(command).pipe(Effect.catchAll(({ message }) => Ending.because(Ending.failed, message)))

/** Reports an invalid argument; exit code 2. */
export const misused = (why: string): Effect.Effect<void> => Ending.because(Ending.usage, why)
