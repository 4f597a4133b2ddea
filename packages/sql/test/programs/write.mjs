/**
 * Writes: callers on the engine over a file, who note every answer they are given in the file `answers` beside it, one line
 * each: session, version, request id or "-". Ends without closing anything, once there are enough answers. With an odd seed
 * everything is written from a thread.
 * Usage: write <folder> <answers> <seed> <FULL|NORMAL>
 */
import { openSync, writeSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { Caller } from "@onelane/checkout"
import { Context, Effect, Random } from "effect"
import { open } from "./store.mjs"

const [folder, wanted, seed, synchronous] = process.argv.slice(2)
const states = ["Shipping Address", "Inventory", "Taxes", "Delivery Method"]
const answers = openSync(join(folder, "answers"), "a")
let count = 0

const told = (session, version, requestId) => {
  writeSync(answers, `${session} ${version} ${requestId}\n`)
  if (++count >= Number(wanted)) process.kill(process.pid, "SIGKILL")
}

const call = (sessions, id, seen) =>
  Effect.gen(function* () {
    const expCurrentState = (yield* Random.next) < 0.8 ? seen.get(id) : states[yield* Random.nextIntBetween(0, 4)]
    const others = states.filter((state) => state !== expCurrentState)
    const nextState = others[yield* Random.nextIntBetween(0, others.length)]
    const answer = yield* Effect.either(
      sessions.update(Caller.host, { checkoutSessionId: id, expCurrentState, nextState })
    )
    if (answer._tag === "Right") {
      told(id, answer.right.session.version, answer.right.requestId)
      seen.set(id, nextState)
    } else {
      told(id, answer.left.current.version, "-")
      seen.set(id, answer.left.current.state)
    }
  })

const program = Effect.gen(function* () {
  const thread = synchronous === "FULL" && Number(seed) % 2 === 1 ? "always" : "never"
  const [sessions, context] = yield* open({ filename: join(folder, "checkout.db"), checkpointPages: 60, thread })
  yield* Context.get(context, SqlClient).unsafe(`PRAGMA synchronous=${synchronous}`)
  const ids = Array.from({ length: 8 }, (_, index) => `session-${index}`)
  const seen = new Map()
  for (const id of ids) {
    const { session } = yield* sessions.open(Caller.host, { cartId: id, checkoutSessionId: id })
    told(id, session.version, "-")
    seen.set(id, session.state)
  }
  const live = Effect.forever(
    Effect.flatMap(Random.nextIntBetween(0, 16), (n) => call(sessions, ids[n] ?? ids[0], seen))
  )
  yield* Effect.all(
    Array.from({ length: 6 }, () => live),
    { concurrency: "unbounded" }
  )
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.withRandom(Random.make(Number(seed)))))
