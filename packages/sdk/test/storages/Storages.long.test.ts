/** `Onelane.open` on every storage: what it does there, what it refuses, and several processes on one of them. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Flow, Onelane } from "@onelane/sdk"
import { Effect, Schema } from "effect"
import { assert, describe, it } from "vitest"
import { makeStorages, optionsOf } from "./Storages.js"

const storages = makeStorages()

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Basket",
  data: Schema.Struct({ note: Schema.optional(Schema.String), paid: Schema.optional(Schema.Number) }),
  transitions: { Basket: ["Pay"], Pay: ["Receipt"], Receipt: [] },
  proceed: { Pay: "Receipt" },
  tasks: { Pay: { run: async () => ({ orderId: "order-1", data: { paid: 5 } }) } }
})

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url))

for (const [where, makePlace] of Object.entries(storages))
  describe(`Onelane.open ${where}`, () => {
    it("runs a flow of the host's own with tasks, data, waits and streams, and one of many updates wins", async () => {
      const place = await makePlace()
      await using checkout = await Onelane.open({ ...optionsOf(place), flow })
      const { session } = await checkout.openOrThrow({ cartId: "cart-1", data: { note: "ring twice" } })
      const update = { checkoutSessionId: session.id, expCurrentState: "Basket", nextState: "Pay" } as const
      const seen = (async () => {
        const types: Array<string> = []
        for await (const { type } of checkout.changes({ checkoutSessionId: session.id, afterVersion: 0 }))
          types.push(type)
        return types
      })()
      const answers = await Promise.all(
        Array.from({ length: 16 }, () => checkout.update(update, { wait: "screen", waitMillis: 20_000 }))
      )
      const won = answers.filter((answer) => answer.ok)
      assert.strictEqual(won.length, 1)
      assert.deepInclude(won[0]!.ok && won[0]!.value.session, {
        state: "Receipt",
        orderId: "order-1",
        isArchived: true,
        data: { note: "ring twice", paid: 5 }
      })
      assert.deepStrictEqual(await seen, ["Opened", "Updated", "TaskCompleted"])
      assert.strictEqual(checkout.cluster === null, !place.cluster)
    })
  })

for (const [where, makePlace] of Object.entries(storages))
  describe(`claims ${where}`, () => {
    it("of work that is done elsewhere are listed by state until they are closed", async () => {
      const elsewhere = Flow.defineFlow({
        name: "elsewhere",
        initial: "Basket",
        transitions: { Basket: ["Paid"], Paid: [] },
        tasks: { Basket: {} }
      })
      await using checkout = await Onelane.open({ ...optionsOf(await makePlace()), flow: elsewhere })
      for (const cartId of ["cart-1", "cart-2", "cart-3"]) {
        const { session } = await checkout.openOrThrow({ cartId })
        const update = { checkoutSessionId: session.id, expCurrentState: "Basket", nextState: "Paid" } as const
        await checkout.updateOrThrow(update)
      }
      const first = await checkout.claims({ state: "Basket", limit: 2 })
      if (!first.ok) return assert.fail(first.error._tag)
      const rest = await checkout.claims({ state: "Basket", limit: 2, after: first.value.next! })
      if (!rest.ok) return assert.fail(rest.error._tag)
      assert.deepStrictEqual(
        [first.value.operations.length, rest.value.operations.length, rest.value.next],
        [2, 1, null]
      )
      for (const { checkoutSessionId, operationId } of [...first.value.operations, ...rest.value.operations])
        await checkout.completeTaskOrThrow({ checkoutSessionId, operationId })
      assert.deepStrictEqual(await checkout.claims(), { ok: true, value: { operations: [], next: null } })
      const refused = await checkout.claims({ limit: 201 })
      assert.strictEqual(!refused.ok && refused.error._tag, "InvalidInput")
    })
  })

interface Racer {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
}

const race = async (storage: string, how: "alone" | "cluster", rounds: number): Promise<void> => {
  const racers: ReadonlyArray<Racer> = [1, 2].map(() => {
    const child = spawn(process.execPath, [program("racer"), storage, how], { stdio: ["pipe", "pipe", "inherit"] })
    return { child, lines: createInterface({ input: child.stdout! })[Symbol.asyncIterator]() }
  })
  try {
    const next = async ({ lines }: Racer): Promise<string> => JSON.parse((await lines.next()).value)
    assert.deepStrictEqual(await Promise.all(racers.map(next)), ["ready", "ready"])
    const short = Flow.defineFlow({ name: "short", initial: "Basket", transitions: { Basket: ["Paid"], Paid: [] } })
    await using checkout = await Onelane.open({ storage, flow: short })
    for (let round = 0; round < rounds; round++) {
      const { session } = await checkout.openOrThrow({ cartId: `cart-${round}` })
      for (const { child } of racers) child.stdin!.write(`${session.id}\n`)
      const answers = await Promise.all(racers.map(next))
      assert.strictEqual(answers.filter((answer) => answer === "won").length, 1, answers.join())
      assert.include(["SessionClosed", "ExpectedStateMismatch"], answers.find((answer) => answer !== "won")!)
      const read = await checkout.getOrThrow({ checkoutSessionId: session.id })
      assert.deepInclude(read, { state: "Paid", version: 2 })
    }
  } finally {
    for (const { child } of racers) child.kill()
  }
}

describe("two processes on one PostgreSQL", () => {
  it("race for a session, and one of them wins", async () => {
    await race((await storages["on PostgreSQL"]()).storage, "alone", 20)
  }, 180_000)

  it("race as two nodes of a cluster, and one of them wins", async () => {
    await race((await storages["in a cluster"]()).storage, "cluster", 20)
  }, 180_000)
})

describe("two checkouts in a cluster", () => {
  it("see each other, divide the shards, and take over when one closes", async () => {
    const place = await storages["in a cluster"]()
    const first = await Onelane.open({ ...optionsOf(place), flow })
    await using second = await Onelane.open({ ...optionsOf(place), flow })
    const settled = async (nodes: number, all: ReadonlyArray<typeof second>): Promise<void> => {
      while (!all.every(({ cluster }) => cluster!.nodes() === nodes && cluster!.heldShards() > 0))
        await Effect.runPromise(Effect.sleep(50))
    }
    await settled(2, [first, second])
    assert.notStrictEqual(first.cluster!.address, second.cluster!.address)
    const { session } = await first.openOrThrow({ cartId: "cart-1" })
    await first.close()
    const update = { checkoutSessionId: session.id, expCurrentState: "Basket", nextState: "Pay" } as const
    const { session: paid } = await second.updateOrThrow(update, { wait: "screen", waitMillis: 20_000 })
    assert.strictEqual(paid.state, "Receipt")
    await settled(1, [second])
  }, 180_000)
})

const whyNot = (options: object): Promise<string> =>
  Onelane.open(options as { readonly storage: string }).then(
    () => "it opened",
    (error: Error & { readonly _tag?: string }) => `${error._tag ?? error.name}: ${error.message}`
  )

describe("a storage that cannot be used", () => {
  it("is refused by a true sentence that names no secret", async () => {
    const cases: ReadonlyArray<[string, RegExp]> = [
      [":memory", /a name that starts with ":" is none of them/],
      ["postgres:/me:secret@host/db", /"postgres:" lacks its "\/\/"/],
      ["sqlite:secret.db", /write the path alone, without "sqlite:"/],
      ["https://me:secret@host", /the url of a server is for Onelane.connect/],
      ["mysql://me:secret@host/db", /there is no driver for "mysql:"/]
    ]
    for (const [storage, why] of cases) {
      const refused = await whyNot({ storage })
      assert.match(refused, /^TypeError: Onelane.open: storage must be ":memory:", the path of a file, or postgres:/)
      assert.match(refused, why)
      assert.notInclude(refused, "secret")
    }
  })

  it("is a PostgreSQL that is away, has no such database, or does not know the user: the sentence says which", async () => {
    const { storage } = await storages["on PostgreSQL"]()
    const { host, port } = new URL(storage)
    const cases: ReadonlyArray<[string, RegExp]> = [
      ["postgres://me:secret@127.0.0.1:1/db", /nothing listens there/],
      ["postgres://me:secret@nowhere.invalid/db", /its host is not known/],
      [`postgres://me:secret@${host}/postgres`, /does not accept this user and password|lets no such user in/],
      [storage.replace("/postgres?", "/secret?"), /it has no such database/],
      [`postgres://me:secret@host:${port}0000/db`, /not the url of a PostgreSQL database/]
    ]
    for (const [wrong, why] of cases) {
      const refused = await whyNot({ storage: wrong })
      assert.match(refused, /^DatabaseRefused: The PostgreSQL server could not be opened: /)
      assert.match(refused, why)
      assert.notInclude(refused, "secret")
    }
  })

  it("refuses options that belong to another storage, by name", async () => {
    const postgres = "postgres://me@127.0.0.1:1/db"
    const cluster = { address: "127.0.0.1:0" }
    for (const storage of [":memory:", "/none/checkout.db"]) {
      assert.match(await whyNot({ storage, cluster }), /^TypeError: .*cluster is for the storage postgres:\/\/… only/)
      assert.match(await whyNot({ storage, connections: 2 }), /connections is for the storage postgres:\/\/… only/)
    }
    for (const storage of [postgres, "/none/checkout.db"])
      assert.match(await whyNot({ storage, retention: {} }), /retention is for the storage ":memory:" only/)
    assert.match(await whyNot({ storage: postgres, connections: 0 }), /connections must be a whole number from 1 to/)
    assert.match(await whyNot({ storage: postgres, cluster: {} }), /cluster.address must be text/)
    assert.match(await whyNot({ storage: postgres, cluster: { ...cluster, nodes: 2 } }), /there is no cluster.nodes/)
    const half = { ...cluster, leaseMillis: 1_500 }
    assert.match(
      await whyNot({ storage: postgres, cluster: half }),
      /cluster.leaseMillis must be a whole number of sec/
    )
    const { storage } = await storages["in a cluster"]()
    for (const name of ["address", "listen"])
      assert.match(
        await whyNot({ storage, cluster: { ...cluster, [name]: "nowhere" } }),
        new RegExp(`^TypeError: Onelane.open: cluster.${name} must be host:port`)
      )
  })
})

const runProgram = (file: string, args: ReadonlyArray<string>, without = ""): Promise<string> =>
  new Promise((resolve) => {
    const hook = without === "" ? [] : ["--import", program("without")]
    const env = { ...process.env, ONELANE_WITHOUT: without }
    execFile(process.execPath, [...hook, file, ...args], { env, timeout: 20_000 }, (error, stdout, stderr) =>
      resolve(`${stdout}${stderr}${error === null ? "" : `ended with ${error.code ?? error.signal}`}`)
    )
  })

describe("a program without the optional peers", () => {
  it("is told what to install for PostgreSQL and for a cluster, and needs neither for SQLite", async () => {
    const { storage } = await storages["in a cluster"]()
    const racer = program("racer")
    assert.include(await runProgram(racer, [storage, "alone"], "pg"), "npm install pg @effect/sql-pg")
    assert.include(await runProgram(racer, [storage, "alone"], "@effect/sql-pg"), "npm install pg @effect/sql-pg")
    assert.include(await runProgram(racer, [storage, "cluster"], "@onelane/cluster"), "npm install @onelane/cluster")
    const file = await storages["on an SQLite file"]()
    const all = "pg,@effect/sql-pg,@onelane/cluster"
    const ended = await runProgram(program("idle"), [file.storage, "nothing"], all)
    assert.deepStrictEqual(ended.trim().split("\n"), ["end", "exit"])
  }, 180_000)
})

describe("a program that never closes its checkout", () => {
  it("ends when nothing is pending, on PostgreSQL", async () => {
    const { storage } = await storages["on PostgreSQL"]()
    assert.deepStrictEqual((await runProgram(program("idle"), [storage, "nothing"])).trim().split("\n"), [
      "end",
      "exit"
    ])
  }, 30_000)
})
