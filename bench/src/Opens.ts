/**
 * Opens: rounds of first opens of carts. The task of P21. It checks every answer: the session is new and not shared
 * with another cart. At the end, the carts of all rounds must still have it.
 */
import { join } from "node:path"
import { Caller, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Onelane } from "@onelane/sdk"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer, ManagedRuntime } from "effect"
import { type Runner, timed } from "./Runner.js"
import { engineOver } from "./subjects/Onelane.js"
import { makeDirectory } from "./WorkingFolder.js"

/** What `start` is given. */
export interface Options {
  readonly door: "Effect" | "Promise"
  readonly storage: "memory" | "SQLite"
  readonly callers: number
  /** Opens of one round, by all callers together. */
  readonly opens: number
}

type Answer = Pick<CheckoutSessions.Opened, "created" | "session">

/** Receives the answer for the cart at an index. It runs within the measured time, so it only reads and records. */
type Told = (index: number, answer: Answer) => void

/**
 * Opens many carts: caller n takes the carts n, n + callers and so on, one after the other, and passes on each answer.
 */
interface Door {
  readonly open: (cartIds: ReadonlyArray<string>, told: Told) => Promise<void>
  readonly close: () => Promise<void>
}

const effectDoor = async ({ callers, storage }: Options): Promise<Door> => {
  const runtime = ManagedRuntime.make(engineOver(storage === "memory" ? JournalMemory.layer : sqlite()))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  return {
    open: (cartIds, told) =>
      runtime.runPromise(
        Effect.forEach(
          Array.from({ length: callers }, (_, caller) => caller),
          (caller) =>
            Effect.gen(function* () {
              for (let index = caller; index < cartIds.length; index += callers)
                told(index, yield* sessions.open(Caller.host, { cartId: cartIds[index]! }))
            }),
          { concurrency: "unbounded", discard: true }
        ).pipe(Effect.orDie)
      ),
    close: () => runtime.dispose()
  }
}

const sqlite = () =>
  JournalSql.layer.pipe(Layer.provide(SqliteClient.layer({ filename: join(makeDirectory(), "opens.db") })))

const promiseDoor = async ({ callers, storage }: Options): Promise<Door> => {
  const file = storage === "memory" ? ":memory:" : join(makeDirectory(), "opens.db")
  const checkout = await Onelane.open({ storage: file, flow: Flow.any })
  const call = async (cartIds: ReadonlyArray<string>, caller: number, told: Told): Promise<void> => {
    for (let index = caller; index < cartIds.length; index += callers) {
      const answer = await checkout.open({ cartId: cartIds[index]! })
      if (!answer.ok) throw new Error(`${cartIds[index]}: ${answer.error.message}`)
      told(index, answer.value)
    }
  }
  return {
    open: async (cartIds, told) => {
      await Promise.all(Array.from({ length: callers }, (_, caller) => call(cartIds, caller, told)))
    },
    close: () => checkout.close()
  }
}

/** One of so many carts is checked again at the end. */
const lookedAt = 100

/** Makes the API. Answers are checked outside the measured time. */
export const start = async (options: Options): Promise<Runner> => {
  const door = await (options.door === "Effect" ? effectDoor(options) : promiseDoor(options))
  const carts: Array<string> = []
  const sessionOf: Array<string> = []
  let fault: string | null = null
  return {
    round: async () => {
      const { opens } = options
      const first = carts.length
      const cartIds = Array.from({ length: opens }, (_, index) => `cart-${first + index}`)
      const sessionIds = new Array<string>(opens).fill("")
      const time = await timed(() =>
        door.open(cartIds, (index, { created, session }) => {
          if (!created || session.version !== 1 || session.cartId !== cartIds[index])
            fault ??= `${cartIds[index]} was answered with ${created ? "a new" : "an old"} session of ${session.cartId}`
          sessionIds[index] = session.id
        })
      )
      for (const cartId of cartIds) carts.push(cartId)
      for (const id of sessionIds) sessionOf.push(id)
      return { operations: opens, accepted: opens, refused: 0, ...time }
    },
    finish: async () => {
      if (sessionOf.includes("")) fault ??= "a cart got no answer"
      if (new Set(sessionOf).size !== carts.length) fault ??= "two carts were answered with one session"
      const again = carts.flatMap((_, index) => (index % lookedAt === 0 ? [index] : []))
      const cartIds = again.map((index) => carts[index]!)
      await door.open(cartIds, (at, { created, session }) => {
        if (created || session.id !== sessionOf[again[at]!]) fault ??= `${cartIds[at]} has lost its session`
      })
      await door.close()
      return { counted: carts.length, judged: carts.length, fault }
    }
  }
}
