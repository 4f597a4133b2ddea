/** The same as an Effect service: the errors are in the type, and `catchTag` handles the one that is expected. */
import { Caller, CheckoutSessions, Onelane } from "@onelane/sdk"
import { Console, Effect } from "effect"

const race = Effect.gen(function* () {
  const sessions = yield* CheckoutSessions.CheckoutSessions
  const { session } = yield* sessions.open(Caller.host, { cartId: "cart-1" })
  const update = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" }
  const browser = sessions.update(Caller.host, update).pipe(
    Effect.map(({ session }) => `accepted: the session is in ${session.state}, version ${session.version}`),
    Effect.catchTag("ExpectedStateMismatch", ({ current }) => Effect.succeed(`refused: it is in ${current.state} now`))
  )
  const answers = yield* Effect.all([browser, browser], { concurrency: "unbounded" })
  yield* Effect.forEach(answers, (answer) => Console.log(answer))
})

await Effect.runPromise(Effect.provide(race, Onelane.layer({ storage: ":memory:" })))
