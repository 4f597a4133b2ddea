/**
 * Promised: the service and the directory as `Onelane.open` gives them, over Promises, for suites that are written against the
 * service.
 */
import {
  type Caller,
  type Checkout,
  CheckoutSessions,
  Directory,
  type DirectoryCheckout,
  type EmbeddedOptions,
  type Flow,
  Onelane,
  OnelaneError,
  type Result
} from "@onelane/sdk"
import { Effect, Layer, Stream } from "effect"
import { type MakePlace, optionsOf } from "./Storages.js"

type Service = CheckoutSessions.CheckoutSessionsShape

const settled = (ask: (signal: AbortSignal) => Promise<Result<unknown, unknown>>): Effect.Effect<any, any> =>
  Effect.flatMap(Effect.promise(ask), (answer) =>
    answer.ok ? Effect.succeed(answer.value) : Effect.fail(answer.error)
  )

/** The service behind doors; `doorOf` gives the door of a caller. */
const serviceOf = (doorOf: (caller: Caller.Caller) => Checkout<Flow.Flow>): Service => {
  const call =
    (
      name:
        | "open"
        | "update"
        | "get"
        | "find"
        | "sessions"
        | "claims"
        | "cancel"
        | "history"
        | "completeTask"
        | "failTask"
        | "releaseClaim"
        | "move"
    ) =>
    (caller: Caller.Caller, input: object, wait?: object): Effect.Effect<any, any> =>
      settled((signal) => doorOf(caller)[name](input as never, { ...wait, signal } as never))
  return {
    open: call("open"),
    update: call("update"),
    get: call("get"),
    find: call("find"),
    sessions: call("sessions"),
    claims: call("claims"),
    cancel: call("cancel"),
    history: call("history"),
    completeTask: call("completeTask"),
    failTask: call("failTask"),
    releaseClaim: call("releaseClaim"),
    move: call("move"),
    follow: () => Effect.die("a Promise door has iterations instead"),
    changes: (caller, input) =>
      Stream.fromAsyncIterable(doorOf(caller).changes(input), (thrown) => thrown).pipe(
        Stream.catchAll((thrown) =>
          thrown instanceof OnelaneError ? Stream.fail(thrown.error as never) : Stream.die(thrown)
        )
      )
  }
}

type Put = (...input: ReadonlyArray<never>) => Promise<void>

// Through all of them: another process would see a change within a second.
const directoryOf = (all: ReadonlyArray<DirectoryCheckout<Flow.Flow>>): Directory.DirectoryShape =>
  Object.fromEntries(
    Object.keys(all[0]!.directory).map((name) => [
      name,
      (...input: ReadonlyArray<never>) =>
        Effect.promise(async () => {
          for (const { directory } of all) await (directory[name as keyof Directory.DirectoryShape] as Put)(...input)
        })
    ])
  ) as unknown as Directory.DirectoryShape

/** Opens checkouts on one storage and calls them in turn; they close with the layer. */
const layer = (
  makeOptions: Effect.Effect<ReadonlyArray<EmbeddedOptions>, never, never>
): Layer.Layer<CheckoutSessions.CheckoutSessions | Directory.Directory> =>
  Layer.unwrapScoped(
    Effect.gen(function* () {
      const opened = yield* Effect.acquireRelease(
        Effect.flatMap(makeOptions, (all) =>
          Effect.promise(() => Promise.all(all.map((options) => Onelane.open({ ...options, directory: true }))))
        ),
        (all) => Effect.promise(() => Promise.all(all.map((each) => each.close())))
      )
      let turn = 0
      const next = () => opened[turn++ % opened.length]!
      return Layer.merge(
        Layer.succeed(
          CheckoutSessions.CheckoutSessions,
          serviceOf((caller) => next().as(caller))
        ),
        Layer.succeed(Directory.Directory, directoryOf(opened))
      )
    })
  )

/** The services of `CheckoutSuite`: so many checkouts on an empty place. */
export const suite = (makePlace: MakePlace, flow: Flow.Flow, checkouts: number) =>
  layer(
    Effect.map(Effect.promise(makePlace), (place) =>
      Array.from({ length: checkouts }, () => ({
        ...optionsOf(place),
        flow,
        taskDrainMillis: 0,
        retry: { limit: 0 }
      }))
    )
  )
