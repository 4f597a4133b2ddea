/** The shop of examples/08-shop, killed at every point: one charge, one order, one message, and the session arrives. */
import { setTimeout as pause } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { points } from "../../../examples/08-shop/crash.js"
import { one, open, type Process, pay, type Shop, selling } from "./Shop.js"

const server = postgresForThisFile()

/** A generator of numbers from 0 to 1 (mulberry32), so that a run can be repeated. */
const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

/** Starts a process that opens a cart. It may meet its point before, in work that another one left: then the next one is started. */
const opened = async (start: Shop["start"], point: string): Promise<readonly [Process, string]> => {
  for (let tries = 1; ; tries++) {
    try {
      const process = await start(point)
      return [process, await open(process, point)]
    } catch (thrown) {
      if (tries === 20) throw thrown
    }
  }
}

/** The buyer presses again if the press did not arrive; what it began goes on without the buyer. */
const pressAgain = async (query: Shop["query"], process: Process, id: string): Promise<void> => {
  const [{ presses }] = await query("SELECT presses FROM purchase WHERE session_id = $1", [id])
  if (presses === 0) await pay(process, id)
}

describe("08-shop, long form", { timeout: 300_000 }, () => {
  it.each(points)("the only process is killed at «%s», and started again: all is one", (point) =>
    selling(server(), async ({ fateOf, start }) => {
      const process = await start(point)
      const id = await open(process, "cart-1")
      void pay(process, id)
      assert.isNull((await process.ended).code)
      assert.deepStrictEqual(await fateOf("cart-1", await start()), one)
    })
  )

  it("a process is killed after the charge, another after its order: the other two finish, once each, and end with 0", () =>
    selling(server(), async ({ fateOf, start }) => {
      const [charged, ordered, left] = await Promise.all([start("charged"), start("ordered"), start()])
      const ids = [await open(charged, "cart-1"), await open(ordered, "cart-2")]
      assert.deepStrictEqual(await Promise.all([pay(charged, ids[0]!), pay(ordered, ids[1]!)]), [null, null])
      assert.isNull((await charged.ended).code)
      const again = await start()
      assert.deepStrictEqual([await fateOf("cart-1", left), await fateOf("cart-2", again)], [one, one])
      for (const { process } of [left, again]) process.kill("SIGTERM")
      for (const { ended } of [left, again]) assert.deepInclude(await ended, { code: 0, stderr: "" })
    }))

  it("of two processes one is killed at every point in turn: the other finishes what the buyer began", () =>
    selling(server(), async ({ fateOf, query, start }) => {
      const left = await start()
      for (const point of points) {
        const [process, id] = await opened(start, point)
        void pay(process, id)
        // The other process may take the message first: then this one is not killed at it.
        await Promise.race([process.ended, pause(3_000)])
        process.process.kill("SIGKILL")
        await process.ended
        await pressAgain(query, left, id)
      }
      for (const point of points) assert.deepStrictEqual(await fateOf(point, left), one, point)
      assert.lengthOf(await query("SELECT 1 FROM orders"), points.length)
    }))

  it.each(["charge", "message"])(
    "a process is killed when its %s has arrived and was not answered: all is one",
    (kind) => {
      let victim: Process | undefined
      const seen = (what: string): void => {
        if (what === kind) victim?.process.kill("SIGKILL")
        if (what === kind) victim = undefined
      }
      return selling(
        server(),
        async ({ fateOf, start }) => {
          const process = (victim = await start())
          void pay(process, await open(process, "cart-1"))
          assert.isNull((await process.ended).code)
          assert.deepStrictEqual(await fateOf("cart-1", await start()), one)
        },
        seen
      )
    }
  )

  it("two processes are killed at random, 12 times, while six carts are paid: each cart is one", () =>
    selling(server(), async ({ fateOf, query, start }) => {
      const next = random(8)
      const ids: Array<string> = []
      const carts = Array.from({ length: 6 }, (_, n) => `cart-${n}`)
      const processes = await Promise.all([start(), start()])
      for (const [n, cart] of carts.entries()) {
        const id = await open(processes[n % 2]!, cart)
        ids.push(id)
        void pay(processes[n % 2]!, id)
        for (let kill = 0; kill < 2; kill++) {
          const victim = (n + kill) % 2
          await pause(next() * 400)
          processes[victim]!.process.kill("SIGKILL")
          await processes[victim]!.ended
          processes[victim] = await start()
        }
      }
      for (const id of ids) await pressAgain(query, processes[0]!, id)
      for (const cart of carts) assert.deepStrictEqual(await fateOf(cart, processes[0]!), one, cart)
      assert.lengthOf(await query("SELECT 1 FROM orders"), carts.length)
    }))
})
