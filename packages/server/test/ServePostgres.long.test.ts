/** `onelane serve --storage postgres://…`: several plain servers over one database. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Onelane } from "@onelane/sdk"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import type { PostgresServer } from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"
import { call } from "./Call.js"
import { asked, nothing } from "./Command.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const postgres = postgresForThisFile()

const onPostgres = async (test: (url: string, server: PostgresServer) => Promise<void>): Promise<void> => {
  const server = postgres()
  await test(await Effect.runPromise(server.makePlace), server)
}

// No clock of the machine can be set here: the process is told another time.
const ahead = `const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + 7_200_000)
    else super(...parts)
  }
  static now() {
    return RealDate.now() + 7_200_000
  }
}
`

describe("onelane serve over PostgreSQL", { timeout: 120_000 }, () => {
  it("two servers on one database accept one update of a race, and accepted updates survive both", () =>
    onPostgres((storage) =>
      inFolder(async (folder) => {
        const start = () => node([...serveArgs(folder), "--storage", storage])
        const servers = [start(), start()]
        const urls = await Promise.all(servers.map(urlOf))
        await using left = await Onelane.connect({ url: urls[0]!, token: "alice" })
        await using right = await Onelane.connect({ url: urls[1]!, token: "operator" })
        const { session } = await left.openOrThrow({ cartId: "cart-0" })
        const update = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" } as const
        const answers = await Promise.all([left, right, left, right].map((checkout) => checkout.update(update)))
        assert.lengthOf(
          answers.filter(({ ok }) => ok),
          1
        )
        for (const { process } of servers) process.kill("SIGTERM")
        for (const { ended } of servers) assert.strictEqual((await ended).code, 0)

        const again = start()
        await using after = await Onelane.connect({ url: await urlOf(again), token: "alice" })
        assert.strictEqual((await after.getOrThrow({ checkoutSessionId: session.id })).state, "Inventory")
        again.process.kill("SIGTERM")
        await again.ended
      })
    ))

  it("a server whose clock is two hours ahead archives nothing early, and logs that its clock is wrong", () =>
    onPostgres((storage) =>
      inFolder(async (folder) => {
        const preload = join(folder, "ahead.mjs")
        writeFileSync(preload, ahead)
        const right = node([...serveArgs(folder), "--storage", storage])
        const wrong = node(["--import", pathToFileURL(preload).href, ...serveArgs(folder), "--storage", storage])
        const [rightUrl, url] = await Promise.all([urlOf(right), urlOf(wrong)])
        await using left = await Onelane.connect({ url: rightUrl, token: "alice" })
        await using other = await Onelane.connect({ url, token: "operator" })
        const { session } = await left.openOrThrow({ cartId: "cart-0", expiresInMillis: 3_600_000 })
        // One that is over soon: when the wrong server has archived it, it has looked at the other one, too.
        const short = await other.openOrThrow({ cartId: "cart-1", expiresInMillis: 100 })
        const entries: Array<string> = []
        for await (const entry of other.changes({ checkoutSessionId: short.session.id, afterVersion: 1 }))
          entries.push(entry.type)
        assert.deepStrictEqual(entries, ["Expired"])
        assert.isFalse((await left.getOrThrow({ checkoutSessionId: session.id })).isArchived)
        const [, offset] =
          /^onelane_clock_offset_seconds (.*)$/m.exec(await (await fetch(`${url}/metrics`)).text()) ?? []
        assert.approximately(Number(offset), -7_200, 60)
        const env = { ...nothing, NODE_OPTIONS: `--import ${pathToFileURL(preload).href}`, ONELANE_STORAGE: storage }
        const { findings } = await asked(["doctor"], env)
        const { found, result } = findings.find(({ check }: { readonly check: string }) => check === "clock")
        assert.strictEqual(result, "warning")
        assert.match(found, /^it is 7\d{3}\.\d s ahead of the database's, which counts$/)
        for (const server of [right, wrong]) server.process.kill("SIGTERM")
        assert.notInclude((await right.ended).stderr, "the clock of this process")
        assert.include((await wrong.ended).stderr, "the clock of this process and that of the database differ")
      })
    ))

  it("the command line changes and lists directory, keys and sessions, with or without a server", () =>
    onPostgres((storage) =>
      inFolder(async (folder) => {
        const beside = { ONELANE_STORAGE: storage }
        assert.isNotEmpty((await asked(["migrate"], beside)).ran)
        assert.isTrue((await asked(["doctor"], beside)).healthy)
        await asked(["directory", "users", "put", "bot", "--role", "commerce-integrator"], beside)
        const { key, token } = await asked(["keys", "create", "--user", "bot"], beside)
        assert.deepStrictEqual((await asked(["keys", "list"], beside)).keys, [key])

        const server = node([...serveArgs(folder), "--storage", storage, "--api-keys"])
        const url = await urlOf(server)
        const ids = []
        for (const cartId of ["cart-0", "cart-1"]) {
          ids.push((await call(url, token, "POST", "/v1/checkout-sessions", { cartId })).body.session.id)
        }
        for (const env of [beside, { ONELANE_URL: url, ONELANE_TOKEN: "operator" }]) {
          const { next, sessions } = await asked(["sessions", "list", "--limit", "1"], env)
          const rest = await asked(["sessions", "list", "--after", next], env)
          assert.sameMembers([sessions[0].checkoutSessionId, rest.sessions[0].checkoutSessionId], ids)
          const { entries } = await asked(["directory", "users", "list"], env)
          assert.deepInclude(entries, { id: "bot", roles: ["commerce-integrator"] })
        }
        await asked(["keys", "revoke", key.id], beside)
        assert.strictEqual((await call(url, token, "GET", `/v1/checkout-sessions/${ids[0]}`)).status, 401)
        server.process.kill("SIGTERM")
        assert.strictEqual((await server.ended).code, 0)
      })
    ))

  it("O1 M10 while the database is away, /readyz is 503 and admin calls fail; both recover by themselves", () =>
    onPostgres((storage, database) =>
      inFolder(async (folder) => {
        const server = node([...serveArgs(folder), "--storage", storage])
        const url = await urlOf(server)
        const ready = () => call(url, null, "GET", "/readyz")
        assert.strictEqual((await ready()).status, 200)
        await Effect.runPromise(database.crash)
        assert.deepInclude(await ready(), { status: 503, body: { status: "store unreachable" } })
        assert.strictEqual((await call(url, null, "GET", "/healthz")).status, 200)
        const admin = (name: string, body: object) => call(url, "operator", "POST", `/admin/v1/${name}`, body)
        const unavailable = (applied: string) => ({ _tag: "StorageUnavailable", applied })
        const [listed, revoked] = [await admin("keys.list", {}), await admin("keys.revoke", { id: "0f1e2d3c4b5a6978" })]
        assert.deepStrictEqual([listed.status, revoked.status], [500, 500])
        assert.deepInclude(listed.body, unavailable("no"))
        assert.deepInclude(revoked.body, unavailable("unknown"))
        await Effect.runPromise(database.start)
        let again = await ready()
        for (let tries = 0; again.status !== 200 && tries < 100; tries++) again = await ready()
        assert.deepInclude(again, { status: 200, body: { status: "ready" } })
        server.process.kill("SIGTERM")
        assert.strictEqual((await server.ended).code, 0)
      })
    ))
})
