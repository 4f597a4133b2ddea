/** Claims that are open, over HTTP: listed by state and page, for those who may close them, and worked on by a program in Python. */
import { execFile, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { serving } from "./Serving.js"

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const tokens = {
  worker: { userId: "worker", roles: ["commerce-integrator"] },
  buyer: { userId: "ann", roles: ["buyer-checkout"] }
}

const seed = {
  users: [{ id: "ann" }, { id: "worker" }],
  stores: ["s"],
  accounts: [{ id: "a", users: ["ann", "worker"], stores: ["s"] }],
  carts: Array.from({ length: 8 }, (_, index) => ({
    id: `cart-${index}`,
    storeId: "s",
    accountId: "a",
    ownerId: "ann"
  }))
}

const args = ["--flow", file("programs/flow.json"), "--seed", JSON.stringify(seed)]

const ask = async (
  url: string,
  token = "worker",
  body?: object
): Promise<{ readonly status: number; readonly body: any }> => {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
  const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) }
  const response = await fetch(url, init)
  return { status: response.status, body: await response.json() }
}

/** Opens so many sessions and claims each in the state Price. */
const claim = async (url: string, count: number): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = []
  for (let index = 0; index < count; index++) {
    const { body } = await ask(`${url}/v1/checkout-sessions`, "worker", { cartId: `cart-${index}` })
    const update = { expCurrentState: "Basket", nextState: "Price" }
    await ask(`${url}/v1/checkout-sessions/${body.session.id}/update`, "worker", update)
    ids.push(body.session.id)
  }
  return ids.sort()
}

describe("GET /v1/operations", () => {
  it.live("lists the open claims of a state, page after page, and a closed one no more", () =>
    serving(
      tokens,
      async (url) => {
        const ids = await claim(url, 5)
        const found: Array<any> = []
        let next: string | null = ""
        let pages = 0
        while (next !== null) {
          const after: string = next === "" ? "" : `&after=${next}`
          const { body } = await ask(`${url}/v1/operations?state=Price&limit=2${after}`)
          found.push(...body.operations)
          next = body.next
          pages++
        }
        assert.strictEqual(pages, 3)
        assert.deepStrictEqual(found.map(({ checkoutSessionId }) => checkoutSessionId).sort(), [...ids])
        assert.deepInclude(found[0], { state: "Price", nextState: "Pay", version: 2 })
        assert.deepStrictEqual((await ask(`${url}/v1/operations?state=Pay`)).body, { operations: [], next: null })
        const { checkoutSessionId, operationId } = found[0]
        const session = `${url}/v1/checkout-sessions/${checkoutSessionId}`
        assert.strictEqual((await ask(`${session}/operations/${operationId}/complete`, "worker", {})).status, 200)
        assert.strictEqual((await ask(`${url}/v1/operations`)).body.operations.length, 4)
      },
      args
    )
  )

  it.live("is for those who may close claims, and refuses what it does not know", () =>
    serving(
      tokens,
      async (url) => {
        const buyer = await ask(`${url}/v1/operations`, "buyer")
        assert.deepStrictEqual([buyer.status, buyer.body._tag], [400, "ActionNotPermitted"])
        assert.strictEqual((await ask(`${url}/v1/operations`, "nobody")).status, 401)
        for (const query of ["limit=0", "limit=201", "limit=x", "color=red", "state=a&state=b"])
          assert.deepInclude((await ask(`${url}/v1/operations?${query}`)).body, { _tag: "InvalidInput", applied: "no" })
        assert.strictEqual((await ask(`${url}/v1/operations`, "worker", {})).status, 405)
        assert.strictEqual((await ask(`${url}/v1/operations/more`)).status, 404)
      },
      args
    )
  )

  const hasPython = spawnSync("python3", ["--version"]).status === 0
  it.skipIf(!hasPython)("a worker in Python closes every claim", { timeout: 60_000 }, async () => {
    const { Effect } = await import("effect")
    await Effect.runPromise(
      serving(
        tokens,
        async (url) => {
          const ids = await claim(url, 3)
          const written = await new Promise<string>((resolve, reject) =>
            execFile(
              "python3",
              [file("../../../examples/flows/worker.py"), url, "worker", "Price", "3"],
              (error, stdout) => (error === null ? resolve(stdout) : reject(error))
            )
          )
          assert.deepStrictEqual(
            written.trim().split("\n").sort(),
            ids.map((id) => `done ${id}`)
          )
          for (const id of ids) {
            const { body } = await ask(`${url}/v1/checkout-sessions/${id}`)
            assert.deepInclude(body, { state: "Pay", isProcessing: false })
          }
        },
        args
      )
    )
  })
})
