/** The commands of `onelane` as processes, on a storage of their own and on a running server. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { asked, nothing, run } from "./Command.js"
import { inFolder, node, onelane, serveArgs, urlOf } from "./Program.js"

/** One action of the standard format. */
const act = async (url: string, token: string, action: string, input: object): Promise<any> => {
  const answer = await fetch(`${url}/services/data/v60.0/actions/standard/${action}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ inputs: [input] })
  })
  return ((await answer.json()) as ReadonlyArray<any>)[0]
}

const openCart = async (url: string, cartId: string): Promise<string> =>
  (await act(url, "alice", "checkoutSessionAction", { cartId })).outputValues.checkoutSessionId

/** A server, and how commands reach it as its operator. */
const serving = (
  test: (server: { readonly url: string; readonly env: NodeJS.ProcessEnv; readonly folder: string }) => Promise<void>
) =>
  inFolder(async (folder) => {
    const server = node(serveArgs(folder))
    try {
      const url = await urlOf(server)
      await test({ url, folder, env: { ONELANE_URL: url, ONELANE_TOKEN: "operator" } })
    } finally {
      server.process.kill("SIGTERM")
      await server.ended
    }
  })

describe("onelane on a storage", { timeout: 120_000 }, () => {
  it("storage: it is created and checked, and holds a directory and keys", () =>
    inFolder(async (folder) => {
      const env = { ONELANE_STORAGE: join(folder, "checkout.db") }
      const absent = await run(["keys", "list"], env)
      assert.strictEqual(absent.code, 1)
      assert.match(absent.stderr, /^onelane: there is no .*onelane migrate/)
      assert.strictEqual((await run(["doctor"], env)).code, 1)

      assert.isNotEmpty((await asked(["migrate"], env)).ran)
      assert.deepStrictEqual((await asked(["migrate"], env)).ran, [])
      const { findings, healthy } = await asked(["doctor"], env)
      assert.isTrue(healthy)
      assert.deepStrictEqual(
        findings.map(({ check }: { check: string }) => check),
        ["node", "storage", "integrity", "tables", "format", "clock", "permissions", "sync"]
      )

      await asked(["directory", "users", "put", "ann", "--role", "buyer-checkout"], env)
      assert.deepStrictEqual(await asked(["directory", "users", "list"], env), {
        entries: [{ id: "ann", roles: ["buyer-checkout"] }]
      })

      const { key, token } = await asked(["keys", "create", "--user", "ann", "--label", "a\u001b[2Jb"], env)
      assert.match(token, /^olk_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
      const { keys } = await asked(["keys", "list"], env)
      assert.deepStrictEqual(keys, [key])
      assert.notProperty(key, "digest")
      const shown = await run(["keys", "list"], env)
      assert.match(shown.stdout, /^KEY +LABEL +USER/)
      assert.include(shown.stdout, "a\\u001b[2Jb")
      assert.strictEqual((await run(["keys", "revoke", key.id], env)).code, 0)
      assert.strictEqual((await run(["keys", "revoke", key.id], env)).code, 1)
      assert.isString((await asked(["keys", "list"], env)).keys[0].revokedAt)
      assert.deepStrictEqual(await asked(["sessions", "list"], env), { sessions: [], next: null })
    }))
})

/** The list, once it has so many: it is written behind the commits. */
const listed = async (env: NodeJS.ProcessEnv, count: number) => {
  for (let tries = 0; tries < 50; tries++) {
    const page = await asked(["sessions", "list"], env)
    if (page.sessions.length === count) return page
  }
  return assert.fail(`there never were ${count} sessions`)
}

describe("onelane on a running server", { timeout: 120_000 }, () => {
  it("sessions are listed, shown, followed and canceled", () =>
    serving(async ({ env, folder, url }) => {
      const [first, second] = [await openCart(url, "cart-0"), await openCart(url, "cart-1")]
      const { sessions } = await listed(env, 2)
      assert.sameMembers(
        sessions.map(({ checkoutSessionId }: { checkoutSessionId: string }) => checkoutSessionId),
        [first, second]
      )
      const page = await asked(["sessions", "list", "--limit", "1"], env)
      assert.strictEqual(page.sessions.length, 1)
      const rest = await asked(["sessions", "list", "--after", page.next], env)
      const idOf = (page: { sessions: ReadonlyArray<{ checkoutSessionId: string }> }) =>
        page.sessions[0]!.checkoutSessionId
      assert.sameMembers([idOf(page), idOf(rest)], [first, second])
      assert.match((await run(["sessions", "list"], env)).stdout, /^SESSION +STATE +STATUS +NEXT +BY +VERSION +CART/)
      const found = await asked(["sessions", "list", "--search", "cart-1"], env)
      assert.deepStrictEqual([found.sessions.length, idOf(found)], [1, second])
      assert.deepStrictEqual(await asked(["sessions", "list", "--only", "failed"], env), { sessions: [], next: null })

      const watching = node([onelane, "sessions", "watch", first, "--after", "0", "--json"], { ...nothing, ...env })
      await watching.line((line) => line.includes('"Opened"'))
      await act(url, "alice", "updateCheckoutSessionAction", {
        checkoutSessionId: first,
        expCurrentState: "Start",
        nextState: "Inventory"
      })
      await watching.line((line) => line.includes('"Updated"'))
      const shown = await asked(["sessions", "show", first], env)
      assert.deepInclude(shown.session, { id: first, state: "Inventory", version: 2 })
      assert.deepStrictEqual(
        shown.history.map(({ type }: { type: string }) => type),
        ["Opened", "Updated"]
      )
      assert.strictEqual((await run(["sessions", "release", first], env)).stderr, `onelane: nothing runs in ${first}\n`)
      const cancelled = await asked(["sessions", "cancel", first], env)
      assert.isTrue(cancelled.session.isArchived)
      const { code, stdout } = await watching.ended
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(
        stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line).type),
        ["Opened", "Updated", "Cancelled"]
      )
      await listed(env, 1)
      assert.strictEqual((await asked(["sessions", "list", "--archived"], env)).sessions.length, 2)

      const beside = await run(["sessions", "list"], { ONELANE_STORAGE: join(folder, "checkout.db") })
      assert.strictEqual(beside.code, 1)
      assert.match(beside.stderr, /another process.*--url and --token/)
      assert.strictEqual((await run(["sessions", "show", "none"], env)).code, 1)
    }))

  it("a right removed by the command line is gone when the command returns", () =>
    serving(async ({ env, url }) => {
      const id = await openCart(url, "cart-0")
      const update = { checkoutSessionId: id, expCurrentState: "Start", nextState: "Inventory" }
      await asked(["directory", "members", "remove", "--account", "acme", "--user", "alice"], env)
      const refused = await act(url, "alice", "updateCheckoutSessionAction", update)
      assert.deepInclude(refused, { isSuccess: false, reason: "ACCOUNT_INVALID_OR_INACCESSIBLE" })
      await asked(["directory", "members", "put", "--account", "acme", "--user", "alice"], env)
      await asked(
        ["directory", "carts", "put", "cart-0", "--store", "store", "--account", "acme", "--owner", "alice"].concat(
          "--status",
          "Closed"
        ),
        env
      )
      const closed = await act(url, "alice", "updateCheckoutSessionAction", update)
      assert.deepInclude(closed, { isSuccess: false, reason: "CART_NOT_UPDATABLE" })
    }))

  it("callers without modify-all-data are refused and learn nothing", () =>
    serving(async ({ url }) => {
      const { code, stderr, stdout } = await run(["sessions", "list"], { ONELANE_URL: url, ONELANE_TOKEN: "alice" })
      assert.strictEqual(code, 1)
      assert.strictEqual(stderr, "onelane: The caller may not invoke this action.\n")
      assert.strictEqual(stdout, "")
      const unknown = await run(["keys", "list"], { ONELANE_URL: url, ONELANE_TOKEN: "nobody" })
      assert.strictEqual(unknown.code, 1)
    }))
})
