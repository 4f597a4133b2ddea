import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import * as TaskResult from "../src/flow/TaskResult.js"
import { worked } from "./worked.js"

class Receipt {
  readonly orderId = "secret-order"
}

/** What came back, and how its failure names it. */
const wrong: ReadonlyArray<readonly [name: string, value: unknown, message: RegExp]> = [
  ["{ ok: false }", { ok: false }, /an object with other members than orderId/],
  ["a row of a database", { id: 7, orderId: "secret" }, /an object with other members than orderId/],
  ["false", false, /a boolean/],
  ["true", true, /a boolean/],
  ["a number", 0, /a number/],
  ["text", "secret", /a string/],
  ["a symbol", Symbol("secret"), /a symbol/],
  ["a function", () => ({ orderId: "secret" }), /a function/],
  ["an Error", new Error("secret"), /an instance of Error/],
  ["a Response", new Response("secret", { status: 500 }), /an instance of Response/],
  ["a Date", new Date(0), /an instance of Date/],
  ["a Map", new Map([["orderId", "secret"]]), /an instance of Map/],
  ["an array", [{ orderId: "secret" }], /an array/],
  ["an instance of a class", new Receipt(), /an instance of Receipt/],
  ["an object made from another", Object.create({ orderId: "secret" }), /an object/],
  ["a Proxy", new Proxy({ orderId: "secret" }, {}), /cannot be read/],
  [
    "a Proxy that throws",
    new Proxy(
      {},
      {
        getPrototypeOf: () => {
          throw new Error("secret")
        }
      }
    ),
    /cannot be read/
  ],
  ["a revoked Proxy", revoked(), /cannot be read/],
  [
    "a getter that throws",
    {
      get orderId(): string {
        throw new Error("secret")
      }
    },
    /whose orderId is a getter/
  ],
  [
    "a getter",
    {
      get orderId() {
        return "secret"
      }
    },
    /whose orderId is a getter/
  ],
  ["a member named by a symbol", { [Symbol.iterator]: null }, /other members than orderId/],
  ["a hidden member", Object.defineProperty({}, "ok", { value: false }), /other members than orderId/],
  [
    "a next state that is no text",
    { next: 7 },
    /next state of a task must be text of 1\.\.30 characters; it is a number/
  ],
  ["a next state that is too long", { next: "x".repeat(31) }, /next state of a task must be text/],
  [
    "a getter for the next state",
    {
      get next() {
        return "secret"
      }
    },
    /whose next is a getter/
  ],
  [
    "an order id that is no text",
    { orderId: 7 },
    /order id of a task must be text of 1\.\.255 characters; it is a number/
  ],
  ["an order id without characters", { orderId: "" }, /order id of a task must be text/],
  ["an order id that is too long", { orderId: "o".repeat(256) }, /order id of a task must be text/]
]

/** What an older library calls a promise. */
function thenable(value: unknown): object {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is
  return { then: (resolve: (value: unknown) => void) => resolve(value) }
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const run = (task: () => unknown) => Effect.either(worked(task))

describe("TaskResult", () => {
  for (const [name, value, message] of wrong)
    it.effect(`a task that hands back ${name} fails with BAD_RESULT, finally, and nothing of it is repeated`, () =>
      Effect.gen(function* () {
        const ways = [() => value, async () => value, () => Effect.succeed(value), () => thenable(value)]
        // A Promise cannot be made of a value whose `then` cannot be read.
        for (const way of name.includes("Proxy") ? [ways[0]!, ways[2]!] : ways) {
          const failure = Either.getOrThrow(Either.flip(yield* run(way)))
          assert.deepInclude(failure, { code: "BAD_RESULT", final: true })
          assert.match(failure.message, message)
          assert.notInclude(failure.message, "secret")
          assert.isBelow(failure.message.length, 200)
        }
      })
    )

  it.effect("a task that hands back nothing, null or an order id succeeds, however it runs", () =>
    Effect.gen(function* () {
      const bare: { orderId?: string } = Object.assign(Object.create(null), { orderId: "order-1" })
      const elsewhere = runInNewContext('({ orderId: "order-1" })')
      const right: ReadonlyArray<readonly [unknown, string | null]> = [
        [undefined, null],
        [null, null],
        [{}, null],
        [{ orderId: undefined }, null],
        [{ orderId: null }, null],
        [{ orderId: "order-1" }, "order-1"],
        [{ orderId: "o".repeat(255) }, "o".repeat(255)],
        [Object.freeze({ orderId: "order-1" }), "order-1"],
        [bare, "order-1"],
        [elsewhere, "order-1"]
      ]
      for (const [value, orderId] of right)
        for (const way of [() => value, async () => value, () => Effect.succeed(value)])
          assert.deepStrictEqual(yield* run(way), Either.right({ orderId, next: null }))
    })
  )

  it.effect("a next state is a member of its own; a wrong one beside an order id is a fault that keeps the order", () =>
    Effect.gen(function* () {
      const right: ReadonlyArray<readonly [unknown, TaskResult.Success]> = [
        [{ next: "Taxes" }, { orderId: null, next: "Taxes" }],
        [{ next: null }, { orderId: null, next: null }],
        [
          { orderId: "order-1", next: "Taxes" },
          { orderId: "order-1", next: "Taxes" }
        ]
      ]
      for (const [value, success] of right) assert.deepStrictEqual(yield* run(() => value), Either.right(success))
      const kept = yield* run(() => ({ orderId: "order-1", next: ["secret"] }))
      const { fault, ...success } = Either.getOrThrow(kept)
      assert.deepStrictEqual(success, { orderId: "order-1", next: null })
      assert.match(fault!, /next state of a task must be text of 1\.\.30 characters; it is an array/)
    })
  )

  it("a class with a name that cannot be printed is an object", () => {
    const odd = new (class {})()
    Object.defineProperty(odd.constructor, "name", { value: "line\nbreak" })
    assert.include((TaskResult.of(odd) as { message: string }).message, "returned an object;")
  })
})
