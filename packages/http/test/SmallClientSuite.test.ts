import {
  type Caller,
  CheckoutEngine,
  type CheckoutError,
  type CheckoutSession,
  CheckoutSessions,
  Subscription
} from "@onelane/checkout"
import * as Changes from "@onelane/checkout/Changes"
import type { OnelaneError, Result } from "@onelane/client"
import { connect, type HostClient } from "@onelane/client/host"
import { CheckoutSuite } from "@onelane/testkit"
import { Effect, Layer, type Runtime } from "effect"
import { Base, servingEngine } from "./HttpWorld.js"

const tokenOf = (caller: Caller.Caller): string => `${caller.userId}.${caller.actingAccountId ?? "own"}`

const tokens = Object.fromEntries(Object.values(CheckoutSuite.callers).map((caller) => [tokenOf(caller), caller]))

/** One try: what the suite asks is answered by the service, not by patience. */
const retry = { limit: 0 }

const asEffect = <A, E>(call: (signal: AbortSignal) => Promise<Result<A, E>>): Effect.Effect<A, any> =>
  Effect.async((resume) => {
    const leaving = new AbortController()
    void call(leaving.signal).then((result) =>
      resume(result.ok ? Effect.succeed(result.value) : Effect.fail(result.error))
    )
    return Effect.sync(() => leaving.abort())
  })

const followed = (client: HostClient, input: CheckoutSessions.ChangesInput): Subscription.Follow =>
  Effect.map(Effect.runtime<never>(), (runtime: Runtime.Runtime<never>) => {
    const leaving = new AbortController()
    const entries = client.changes(input, { signal: leaving.signal })[Symbol.asyncIterator]()
    const next = Effect.async<IteratorResult<unknown>, CheckoutError.HistoryError>(
      (resume) =>
        void entries.next().then(
          (result) => resume(Effect.succeed(result)),
          ({ error }: OnelaneError<CheckoutError.HistoryError>) => resume(Effect.fail(error))
        )
    )
    return Subscription.ofPages(runtime, {
      next: Effect.map(next, (result) =>
        result.done === true ? null : Subscription.pageOf([result.value as CheckoutSession.HistoryEntry])
      ),
      check: Effect.void,
      leave: Effect.sync(() => leaving.abort())
    })
  })

/** The small client as the service: one a caller, each under its token. */
const remote = (follow: { readonly stream?: boolean; readonly pollMillis?: number }) =>
  Layer.effect(
    CheckoutSessions.CheckoutSessions,
    Effect.map(Base, ({ url }) => {
      const clients = new Map<string, HostClient>()
      const of = (caller: Caller.Caller): HostClient => {
        const token = tokenOf(caller)
        const client = clients.get(token) ?? connect({ url, token, retry, follow })
        clients.set(token, client)
        return client
      }
      const call =
        (name: Exclude<keyof HostClient, "changes">) =>
        (caller: Caller.Caller, input: any, wait?: object): Effect.Effect<any, any> =>
          asEffect((signal) =>
            (of(caller)[name] as (input: never, options: object) => Promise<Result<any, any>>)(input as never, {
              ...wait,
              signal
            })
          )
      return Changes.withStreams({
        open: call("open"),
        update: call("update"),
        get: call("get"),
        find: call("find"),
        cancel: call("cancel"),
        history: call("history"),
        completeTask: call("completeTask"),
        failTask: call("failTask"),
        releaseClaim: call("releaseClaim"),
        move: call("move"),
        sessions: call("sessions"),
        claims: call("claims"),
        follow: (caller, input) => followed(of(caller), input)
      })
    })
  )

for (const [name, follow] of [
  ["by streams", {}],
  ["where fetch cannot stream", { stream: false, pollMillis: 10 }]
] as const)
  CheckoutSuite.run(
    `the small client, ${name}`,
    (flow) => {
      const engine = CheckoutEngine.layer({ flow, alarmMillis: 20, taskDrainMillis: 10 })
      return Layer.provideMerge(remote(follow), servingEngine(engine, "Node's listener", {}, tokens))
    },
    { clock: "live" }
  )
