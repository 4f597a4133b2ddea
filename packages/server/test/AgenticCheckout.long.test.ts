/** The Agentic Commerce Protocol on one session: by its published schemas, raced, and killed. */
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as JsonSchemaCheck from "./JsonSchemaCheck.js"
import { inFolder, node, type Program, root } from "./Program.js"

const schemas = JSON.parse(readFileSync(new URL("acp/schema.agentic_checkout.json", import.meta.url), "utf8"))

const valid = (value: unknown, name: string): void =>
  assert.deepStrictEqual(JsonSchemaCheck.faultsIn(value, schemas.$defs[name], schemas), [], name)

interface Answer {
  readonly status: number
  readonly text: string
  readonly body: any
  readonly headers: Headers
}

interface Seller {
  readonly ask: (
    method: string,
    path: string,
    given?: { readonly key?: string; readonly body?: unknown; readonly headers?: Record<string, string> }
  ) => Promise<Answer>
  readonly program: Program
}

const sell = async (file: string, providerUrl: string): Promise<Seller> => {
  const program = node([join(root, "examples/dist/09-agentic-checkout.js"), file, "0"], { PROVIDER_URL: providerUrl })
  const port = (await program.line((line) => line.startsWith("listening on "))).split(" ").at(-1)
  const ask: Seller["ask"] = async (method, path, { body, headers, key } = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}/checkout_sessions${path}`, {
      method,
      headers: {
        authorization: "Bearer agent-key",
        "api-version": "2026-04-17",
        ...(key !== undefined && { "idempotency-key": key }),
        ...headers
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await answer.text()
    return { status: answer.status, text, body: JSON.parse(text), headers: answer.headers }
  }
  return { ask, program }
}

/** A payment provider that charges once a key; `meets` sees each request first and may answer it, or hold it. */
const provider = async (meets: (response: ServerResponse, token: string) => boolean = () => false) => {
  const charges = new Map<string, number>()
  const server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    const { cents, token } = JSON.parse(body)
    if (token === "declined") return void response.writeHead(402).end()
    const key = String(request.headers["idempotency-key"])
    charges.set(key, cents)
    if (!meets(response, token)) response.end(`charge-of-${key}`)
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, charges, close }
}

type Provider = Awaited<ReturnType<typeof provider>>

const selling = (
  test: (seller: Seller, provider: Provider, file: string) => Promise<void>,
  meets?: Parameters<typeof provider>[0]
): Promise<void> =>
  inFolder(async (folder) => {
    const psp = await provider(meets)
    const file = join(folder, "checkout.db")
    const seller = await sell(file, psp.url)
    try {
      await test(seller, psp, file)
    } finally {
      seller.program.process.kill("SIGKILL")
      psp.close()
    }
  })

const items = { line_items: [{ id: "mug" }, { id: "shirt" }, { id: "mug" }], currency: "usd", capabilities: {} }
const address = { name: "Ann", line_one: "1 Main St", city: "Town", state: "CA", country: "US", postal_code: "94102" }
const details = {
  fulfillment_details: { name: "Ann", email: "ann@example.com", address },
  selected_fulfillment_options: [{ type: "shipping", option_id: "standard", item_ids: ["mug", "shirt"] }]
}
const payment = (token: string) => ({
  payment_data: { handler_id: "psp", instrument: { type: "card", credential: { type: "spt", token } } }
})

/** Creates a session that can be paid, and gives its path. */
const ready = async ({ ask }: Seller, key = "create"): Promise<string> => {
  const { body } = await ask("POST", "", { key, body: items })
  await ask("POST", `/${body.id}`, { key: "update", body: details })
  return `/${body.id}`
}

describe("an agentic checkout", { timeout: 120_000 }, () => {
  it("a checkout goes from create to order by the published schemas; a repeated request gets the first reply", () =>
    selling(async ({ ask }, { charges }) => {
      valid(items, "CheckoutSessionCreateRequest")
      valid(details, "CheckoutSessionUpdateRequest")
      valid(payment("spt_1"), "CheckoutSessionCompleteRequest")
      const created = await ask("POST", "", { key: "k1", body: items, headers: { "request-id": "r1" } })
      assert.deepStrictEqual([created.status, created.body.status], [201, "not_ready_for_payment"])
      assert.deepStrictEqual([created.headers.get("request-id"), created.headers.get("idempotency-key")], ["r1", "k1"])
      const path = `/${created.body.id}`
      const updated = await ask("POST", path, { key: "k2", body: details })
      assert.deepStrictEqual([updated.status, updated.body.status], [200, "ready_for_payment"])
      const totals = Object.fromEntries(updated.body.totals.map(({ amount, type }: any) => [type, amount]))
      assert.deepInclude(totals, { items_base_amount: 4_900, fulfillment: 500, total: 5_400 })
      assert.strictEqual((await ask("GET", path)).text, updated.text)
      const completed = await ask("POST", `${path}/complete`, { key: "k3", body: payment("spt_1") })
      assert.deepStrictEqual([completed.status, completed.body.status], [200, "completed"])
      valid(completed.body, "CheckoutSessionWithOrder")
      for (const { body } of [created, updated]) valid(body, "CheckoutSession")
      for (const [first, where, body] of [
        [created, "", items],
        [updated, path, details],
        [completed, `${path}/complete`, payment("spt_1")]
      ] as const) {
        const again = await ask("POST", where, { key: first.headers.get("idempotency-key")!, body })
        assert.deepStrictEqual([again.status, again.text], [first.status, first.text])
        assert.strictEqual(again.headers.get("idempotent-replayed"), "true")
        assert.isNull(first.headers.get("idempotent-replayed"))
      }
      assert.deepStrictEqual([...charges.values()], [5_400])
      assert.notInclude((await ask("GET", path)).text, "spt_1")
    }))

  it("an invalid request is refused in the protocol's error format and writes nothing", () =>
    selling(async (seller) => {
      const { ask } = seller
      const path = await ready(seller)
      const before = await ask("GET", path)
      const cases: ReadonlyArray<[number, string, Promise<Answer>]> = [
        [400, "idempotency_key_required", ask("POST", path, { body: details })],
        [400, "unsupported_version", ask("GET", path, { headers: { "api-version": "2025-09-29" } })],
        [401, "unauthorized", ask("GET", path, { headers: { authorization: "Bearer nobody" } })],
        [404, "session_inaccessible", ask("GET", "/cs_none")],
        [400, "invalid", ask("POST", path, { key: "a", body: { line_items: [{ id: "yacht" }] } })],
        [400, "invalid", ask("POST", path, { key: "b", body: { buyer: { email: "nobody" } } })],
        [400, "invalid", ask("POST", `${path}/complete`, { key: "c", body: {} })],
        [
          422,
          "idempotency_conflict",
          ask("POST", "", { key: "create", body: { ...items, line_items: [{ id: "mug" }] } })
        ],
        [422, "idempotency_conflict", ask("POST", path, { key: "update", body: { buyer: { email: "b@example.com" } } })]
      ]
      for (const [status, code, asked] of cases) {
        const answer = await asked
        assert.deepStrictEqual([answer.status, answer.body.code], [status, code])
        valid(answer.body, "Error")
      }
      assert.strictEqual((await ask("GET", path)).text, before.text)
      const empty = await ask("POST", "", { key: "other", body: items })
      const early = await ask("POST", `/${empty.body.id}/complete`, { key: "d", body: payment("spt_1") })
      assert.deepStrictEqual([early.status, early.body.code], [400, "missing"])
    }))

  it("of sixteen agents that complete at once, one succeeds, and the buyer is charged once", () =>
    selling(async (seller, { charges }) => {
      const path = `${await ready(seller)}/complete`
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, index) =>
          seller.ask("POST", path, { key: `race-${index}`, body: payment(`spt_${index}`) })
        )
      )
      const won = answers.filter(({ status }) => status === 200)
      assert.strictEqual(won.length, 1)
      valid(won[0]!.body, "CheckoutSessionWithOrder")
      for (const { body, status } of answers.filter((answer) => answer !== won[0])) {
        assert.strictEqual(status, 409)
        valid(body, "Error")
      }
      assert.deepStrictEqual([...charges.values()], [5_400])
    }))

  it("concurrent edits of several agents are all kept", () =>
    selling(async (seller) => {
      const path = await ready(seller)
      const edits = [
        { buyer: { email: "b@example.com" } },
        { selected_fulfillment_options: [{ type: "shipping", option_id: "express" }] },
        { line_items: [{ id: "shirt" }] }
      ]
      const answers = await Promise.all(
        edits.map((body, index) => seller.ask("POST", path, { key: `e${index}`, body }))
      )
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 200]
      )
      const { body } = await seller.ask("GET", path)
      assert.strictEqual(body.buyer.email, "b@example.com")
      assert.strictEqual(body.selected_fulfillment_options[0].option_id, "express")
      assert.deepStrictEqual(
        body.line_items.map(({ id }: any) => id),
        ["shirt"]
      )
      assert.strictEqual(body.totals.at(-1).amount, 4_000)
    }))

  it("a declined payment is reported and can be retried; a finished checkout cannot be canceled", () =>
    selling(async (seller, { charges }) => {
      const path = await ready(seller)
      const declined = await seller.ask("POST", `${path}/complete`, { key: "p1", body: payment("declined") })
      assert.deepStrictEqual([declined.status, declined.body.messages[0].code], [200, "payment_declined"])
      valid(declined.body, "CheckoutSession")
      const paid = await seller.ask("POST", `${path}/complete`, { key: "p2", body: payment("spt_1") })
      assert.strictEqual(paid.body.status, "completed")
      const again = await seller.ask("POST", `${path}/complete`, { key: "p1", body: payment("declined") })
      assert.strictEqual(again.text, declined.text)
      assert.strictEqual(charges.size, 1)
      const late = await seller.ask("POST", `${path}/cancel`, { key: "c0" })
      assert.strictEqual(late.status, 405)
      valid(late.body, "Error")
      const other = await ready(seller, "second")
      const canceled = await seller.ask("POST", `${other}/cancel`, { key: "c1" })
      assert.deepStrictEqual([canceled.status, canceled.body.status], [200, "canceled"])
      valid(canceled.body, "CheckoutSession")
      assert.strictEqual((await seller.ask("POST", `${other}/cancel`, { key: "c1" })).text, canceled.text)
      assert.strictEqual((await seller.ask("POST", `${other}/cancel`, { key: "c2" })).status, 405)
    }))

  it("while it is not known what the provider did, the amount stays, and nothing says that no money was taken", () => {
    let answers = 0
    return selling(
      async ({ ask }, { charges }) => {
        const path = await ready({ ask } as Seller)
        const paying = { key: "p1", body: payment("lost") }
        const lost = await ask("POST", `${path}/complete`, paying)
        assert.deepStrictEqual([lost.status, lost.body.status], [200, "complete_in_progress"])
        assert.notInclude(lost.text, "payment_declined")
        valid(lost.body, "CheckoutSession")
        for (const [where, body] of [
          [path, { line_items: [{ id: "shirt" }] }],
          [`${path}/cancel`, undefined],
          [`${path}/complete`, payment("another")]
        ] as const) {
          const refused = await ask("POST", where, { key: `edit ${where} ${body !== undefined}`, body })
          assert.deepStrictEqual([refused.status, refused.body.code], [409, "payment_unknown"])
          assert.match(refused.headers.get("idempotency-key")!, /^edit /)
          valid(refused.body, "Error")
        }
        const done = await ask("POST", `${path}/complete`, { key: "p2", body: payment("lost") })
        assert.strictEqual(done.body.status, "completed")
        assert.strictEqual(done.body.totals.at(-1).amount, 5_400)
        assert.deepStrictEqual([...charges.values()], [5_400])
        assert.strictEqual((await ask("POST", `${path}/complete`, paying)).text, lost.text)
      },
      (response, token) => {
        if (token !== "lost" || answers++ >= 4) return false
        response.writeHead(500).end()
        return true
      }
    )
  })

  it("what is left out stays, null and an empty text clear", () =>
    selling(async (seller) => {
      const path = await ready(seller)
      const edit = async (key: string, fulfillment_details: object) =>
        (await seller.ask("POST", path, { key, body: { fulfillment_details } })).body.fulfillment_details
      assert.strictEqual((await edit("a", { address: { ...address, line_two: "4B" } })).address.line_two, "4B")
      assert.strictEqual((await edit("b", { address })).address.line_two, "4B")
      assert.strictEqual((await edit("c", { address: { ...address, line_two: "" } })).address.line_two, "")
      assert.isUndefined((await edit("d", { address: { ...address, line_two: null } })).address.line_two)
      const { body } = await seller.ask("POST", path, { key: "e", body: { fulfillment_details: null } })
      assert.deepStrictEqual([body.fulfillment_details, body.status], [undefined, "not_ready_for_payment"])
    }))

  it("after kills before and during the payment nothing is lost, and the buyer is charged once", () => {
    let held = 0
    return selling(
      async (seller, psp, file) => {
        const path = await ready(seller)
        const before = await seller.ask("GET", path)
        seller.program.process.kill("SIGKILL")
        await seller.program.ended
        const second = await sell(file, psp.url)
        assert.strictEqual((await second.ask("GET", path)).text, before.text)
        const paying = { key: "pay", body: payment("held") }
        const lost = second.ask("POST", `${path}/complete`, paying).then(
          () => "answered",
          () => "lost"
        )
        while (held === 0) await new Promise(setImmediate)
        second.program.process.kill("SIGKILL")
        assert.strictEqual(await lost, "lost")
        const third = await sell(file, psp.url)
        try {
          const answer = await third.ask("POST", `${path}/complete`, paying)
          assert.deepStrictEqual([answer.status, answer.body.status], [200, "completed"])
          assert.strictEqual(answer.headers.get("idempotent-replayed"), "true")
          assert.deepStrictEqual([...psp.charges.values()], [5_400])
        } finally {
          third.program.process.kill("SIGKILL")
        }
      },
      (_, token) => token === "held" && held++ === 0
    )
  })
})
