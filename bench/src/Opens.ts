/**
 * Opens: carts that are opened for the first time, a round of them at a time. The task of P21. Every answer is checked: a new
 * session, of its own; and the carts of all rounds still have it at the end.
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

/** Opens many carts, each caller one after the other, and tells each answer. */
interface Door {
  readonly open: (cartIds: ReadonlyArray<string>, told: (cartId: string, answer: Answer) => void) => Promise<void>
  readonly close: () => Promise<void>
}

const shareOf = (cartIds: ReadonlyArray<string>, caller: number, callers: number): ReadonlyArray<string> =>
  cartIds.filter((_, index) => index % callers === caller)

const effectDoor = async ({ callers, storage }: Options): Promise<Door> => {
  const runtime = ManagedRuntime.make(engineOver(storage === "memory" ? JournalMemory.layer : sqlite()))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  return {
    open: (cartIds, told) =>
      runtime.runPromise(
        Effect.forEach(
          Array.from({ length: callers }, (_, caller) => shareOf(cartIds, caller, callers)),
          (share) =>
            Effect.gen(function* () {
              for (const cartId of share) told(cartId, yield* sessions.open(Caller.host, { cartId }))
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
  const caller = async (cartIds: ReadonlyArray<string>, told: Parameters<Door["open"]>[1]): Promise<void> => {
    for (const cartId of cartIds) {
      const answer = await checkout.open({ cartId })
      if (!answer.ok) throw new Error(`${cartId}: ${answer.error.message}`)
      told(cartId, answer.value)
    }
  }
  return {
    open: async (cartIds, told) => {
      await Promise.all(Array.from({ length: callers }, (_, one) => caller(shareOf(cartIds, one, callers), told)))
    },
    close: () => checkout.close()
  }
}

/** Of so many carts one is looked at again when all is over. */
const lookedAt = 100

/** Makes the door. */
export const start = async (options: Options): Promise<Runner> => {
  const door = await (options.door === "Effect" ? effectDoor(options) : promiseDoor(options))
  const sessionOf = new Map<string, string>()
  const ids = new Set<string>()
  let fault: string | null = null
  const told = (cartId: string, { created, session }: Answer): void => {
    if (!created || session.version !== 1 || session.cartId !== cartId || ids.has(session.id))
      fault ??= `${cartId} was answered with ${created ? "a new" : "an old"} session ${session.id} of ${session.cartId}`
    ids.add(session.id)
    sessionOf.set(cartId, session.id)
  }
  return {
    round: async () => {
      const { opens } = options
      const cartIds = Array.from({ length: opens }, (_, index) => `cart-${ids.size + index}`)
      const time = await timed(() => door.open(cartIds, told))
      return { operations: opens, accepted: opens, refused: 0, ...time }
    },
    finish: async () => {
      const again = [...sessionOf.keys()].filter((_, index) => index % lookedAt === 0)
      await door.open(again, (cartId, { created, session }) => {
        if (created || session.id !== sessionOf.get(cartId)) fault ??= `${cartId} has lost its session`
      })
      await door.close()
      return { counted: ids.size, judged: ids.size, fault }
    }
  }
}
