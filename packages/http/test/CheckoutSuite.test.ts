import { type Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { CheckoutSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"
import * as CheckoutClient from "../src/CheckoutClient.js"
import { adapters, Base, servingEngine } from "./HttpWorld.js"

const tokenOf = (caller: Caller.Caller): string => `${caller.userId}.${caller.actingAccountId ?? "own"}`

const tokens = Object.fromEntries(Object.values(CheckoutSuite.callers).map((caller) => [tokenOf(caller), caller]))

/** One client a caller behind the one service: each call goes out under its caller's token. */
const remote = Layer.effect(
  CheckoutSessions.CheckoutSessions,
  Effect.gen(function* () {
    const { url } = yield* Base
    const clients = new Map<string, CheckoutSessions.CheckoutSessionsShape>()
    for (const token of Object.keys(tokens)) clients.set(token, yield* CheckoutClient.make({ url, token }))
    const of = (caller: Caller.Caller) => clients.get(tokenOf(caller))!
    return {
      open: (caller, input, wait) => of(caller).open(caller, input, wait),
      update: (caller, input, wait) => of(caller).update(caller, input, wait),
      find: (caller, input) => of(caller).find(caller, input),
      get: (caller, input, wait) => of(caller).get(caller, input, wait),
      cancel: (caller, input) => of(caller).cancel(caller, input),
      history: (caller, input) => of(caller).history(caller, input),
      follow: (caller, input) => of(caller).follow(caller, input),
      changes: (caller, input) => of(caller).changes(caller, input),
      completeTask: (caller, input, wait) => of(caller).completeTask(caller, input, wait),
      failTask: (caller, input) => of(caller).failTask(caller, input),
      releaseClaim: (caller, input) => of(caller).releaseClaim(caller, input),
      move: (caller, input) => of(caller).move(caller, input),
      sessions: (caller, input) => of(caller).sessions(caller, input),
      claims: (caller, input) => of(caller).claims(caller, input)
    }
  })
)

for (const adapter of adapters) {
  CheckoutSuite.run(
    `over HTTP, by ${adapter}`,
    (flow) => {
      const engine = CheckoutEngine.layer({ flow, alarmMillis: 20, taskDrainMillis: 10 })
      const served = servingEngine(engine, adapter, {}, tokens)
      return Layer.provideMerge(remote, served)
    },
    { clock: "live" }
  )
}
