import { AsyncLocalStorage } from "node:async_hooks"
import { assert, describe, it } from "@effect/vitest"
import { type Access, Caller, type Carts, Flow, Onelane, type Task } from "@onelane/sdk"
import { Effect } from "effect"
import { inFolder, tagOf, toInventory } from "./fixture.js"

const store = new AsyncLocalStorage<string>()
const everything: Access.Rights = { mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true }

/** How a port answers. */
const ways = {
  "at once": <A>(answer: () => A) => answer(),
  "by a Promise": async <A>(answer: () => A) => {
    await turns()
    return answer()
  },
  "by an Effect": <A>(answer: () => A) => Effect.zipRight(Effect.promise(turns), Effect.sync(answer)),
  "by a Promise, now and then": <A>(answer: () => A) => (++asked % 3 === 0 ? answer() : ways["by a Promise"](answer))
}
let asked = 0

/** A few turns of the event loop, so that calls of others come between. */
const turns = async () => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Ports that note every call that is not made in its own caller's context. `carts.find` knows no caller: any context but none. */
const watching = (way: <A>(answer: () => A) => A | PromiseLike<A> | Effect.Effect<A>, wrong: Array<string>) => {
  const seen = (who: string, where: string) => {
    const found = store.getStore()
    if (found !== who) wrong.push(`${where}: ${who} was asked for in the context of ${found}`)
  }
  let failing = 0
  return {
    access: {
      mayInvoke: (caller: Caller.Caller) => {
        seen(caller.userId, "mayInvoke")
        return way(() => {
          seen(caller.userId, "mayInvoke, later")
          return true
        })
      },
      rights: (caller: Caller.Caller) => {
        seen(caller.userId, "rights")
        // One in seven gives no answer, and is asked again after a pause.
        if (++failing % 7 === 0) throw new Error("down")
        return way(() => {
          seen(caller.userId, "rights, later")
          return everything
        })
      }
    },
    carts: {
      // A cart is named after the user in whose calls it is asked for, and shared by all where it is called so.
      find: (id: string) => {
        const who = id.startsWith("of-") ? id.slice(3) : store.getStore()!
        seen(who, "find")
        if (store.getStore() === undefined) wrong.push("find: in no context")
        return way((): Carts.Cart => {
          seen(who, "find, later")
          return { id, storeId: "store", accountId: "acme", ownerId: "ann", status: "Active" }
        })
      }
    }
  }
}

describe("ports see the async context of the call they answer", () => {
  for (const [name, way] of Object.entries(ways)) {
    for (const where of ["in memory", "over a file"]) {
      it(`when they answer ${name}, ${where}`, () =>
        inFolder(async (file) => {
          const wrong: Array<string> = []
          await using checkout = await Onelane.open({
            ...watching(way, wrong),
            storage: where === "in memory" ? ":memory:" : file,
            retry: { limit: 50, baseMillis: 1, maxMillis: 2 }
          })
          const host = <A>(call: () => Promise<A>): Promise<A> => store.run("host", call)
          const shared = await host(() => checkout.openOrThrow({ cartId: "shared" }))
          const users = Array.from({ length: 28 }, (_, index) => `user-${index}`)
          const answers = users.map((user) =>
            store.run(user, async () => {
              const door = checkout.as(Caller.make(user, ["modify-all-data"]))
              const { signal } = new AbortController()
              const own = await door.openOrThrow({ cartId: `of-${user}` })
              const calls = [
                // All of these wait for one actor; only its own session is asked for by a cart that names the user.
                door.get({ checkoutSessionId: shared.session.id }),
                door.history({ checkoutSessionId: shared.session.id }, { signal }),
                door.get({ checkoutSessionId: own.session.id }),
                door.update(toInventory(own.session.id)),
                door.update(toInventory(own.session.id), { signal }),
                door.cancel({ checkoutSessionId: own.session.id })
              ]
              return Promise.all(calls)
            })
          )
          const tags = (await Promise.all(answers)).flat().map(tagOf)
          assert.lengthOf(tags, 28 * 6)
          assert.include(tags, "ok")
          assert.deepStrictEqual(wrong, [])
        }))
    }
  }

  it("also when a session is watched", async () => {
    const wrong: Array<string> = []
    await using checkout = await Onelane.open({ ...watching(ways["by a Promise"], wrong), storage: ":memory:" })
    const { session } = await store.run("host", () => checkout.openOrThrow({ cartId: "shared" }))
    const users = ["ann", "bob", "eve"]
    const watched = users.map((user) =>
      store.run(user, () => {
        const door = checkout.as(Caller.make(user, ["modify-all-data"]))
        return door.changes({ checkoutSessionId: session.id, afterVersion: 0 })[Symbol.asyncIterator]()
      })
    )
    const next = (type: string) =>
      Promise.all(watched.map(async (changes) => assert.strictEqual((await changes.next()).value.type, type)))
    await next("Opened")
    // The right to watch is asked for once more, by whoever makes the change.
    const updated = next("Updated")
    await store.run("host", () => checkout.updateOrThrow(toInventory(session.id)))
    await updated
    assert.deepStrictEqual(wrong, [])
  })
})

describe("tasks run outside the async context of the call that claimed", () => {
  for (const where of ["in memory", "over a file"])
    it(where, () =>
      inFolder(async (file) => {
        const seen: Array<string | undefined> = []
        const look = async (): Promise<void> => {
          seen.push(store.getStore())
          await turns()
          seen.push(store.getStore())
        }
        const run = ({ attempt }: Task.TaskContext) =>
          look().then(() => (attempt === 1 ? Promise.reject(new Error("once more")) : undefined))
        const flow = Flow.defineFlow({
          name: "outside",
          initial: "Start",
          transitions: { Start: ["Done"], Done: [] },
          tasks: { Start: { run, retry: { baseMillis: 1, maxMillis: 2 } } }
        })
        await using checkout = await Onelane.open({ flow, storage: where === "in memory" ? ":memory:" : file })
        await Promise.all(
          ["ann", "bob"].map((user) =>
            store.run(user, async () => {
              const { session } = await checkout.openOrThrow({ cartId: user })
              const move = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Done" } as const
              await checkout.updateOrThrow(move)
              while (!(await checkout.getOrThrow({ checkoutSessionId: session.id })).isArchived) await turns()
            })
          )
        )
        assert.deepStrictEqual(seen, Array<undefined>(8).fill(undefined))
      })
    )
})
