/** What those who run a server see, and how it ends: as a process, with real tokens, under load. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { Access } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { Effect, Exit } from "effect"
import * as jose from "jose"
import * as Operations from "../src/operations/Operations.js"
import { call } from "./Call.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"

const parts = (journal: Partial<Journal.JournalShape>, refusing: string | null = null): Operations.Parts => ({
  journal: { ...JournalMemory.make(), ...journal },
  access: {} as Access.AccessShape,
  failing: () => null,
  refusing: () => refusing,
  samples: () => []
})

describe("readiness", () => {
  it.live("O1 /readyz is 200 only if the store answers in time and the server is not draining", () =>
    Effect.gen(function* () {
      const failed = Exit.fail(Journal.failure("no", "IO"))
      const cases: ReadonlyArray<readonly [Operations.Parts, number, string]> = [
        [parts({}), 200, "ready"],
        [parts({}, "ending"), 503, "ending"],
        [parts({ load: () => failed }), 503, "store unreachable"],
        [parts({ load: () => Effect.never }), 503, "store unreachable"]
      ]
      for (const [each, status, word] of cases) {
        const answer = yield* Operations.ready(each)
        assert.deepStrictEqual([answer.status, answer.body], [status, JSON.stringify({ status: word })])
      }
    })
  )
})

/** A key pair in a folder, and tokens of it. */
const identity = async (folder: string) => {
  const { privateKey, publicKey } = await jose.generateKeyPair("ES256")
  const keyFile = join(folder, "key.pem")
  writeFileSync(keyFile, await jose.exportSPKI(publicKey))
  const sign = (claims: object = {}, key: Parameters<jose.SignJWT["sign"]>[0] = privateKey) => {
    const seconds = Math.floor(performance.timeOrigin / 1_000)
    const all = { iss: "i", aud: "onelane", sub: "alice", exp: seconds + 600, roles: ["buyer-checkout"], ...claims }
    return new jose.SignJWT(all).setProtectedHeader({ alg: "ES256" }).sign(key)
  }
  return { jwt: JSON.stringify({ issuer: "i", audience: ["onelane"], keyFile }), sign }
}

const without = (args: ReadonlyArray<string>, name: string): Array<string> => {
  const at = args.indexOf(name)
  return [...args.slice(0, at), ...args.slice(at + 2)]
}

const traceId = "0af7651916cd43dd8448eb211c80319c"
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

describe("a server one would put on the internet", { timeout: 120_000 }, () => {
  it("A1 A4 O4 the log says why a token is refused; the client learns only whether it may become valid later", () =>
    inFolder(async (folder) => {
      const { jwt, sign } = await identity(folder)
      const args = [...without(serveArgs(folder), "--tokens"), "--jwt", jwt, "--api-keys", "--log-requests"]
      const server = node(args)
      const url = await urlOf(server)
      const seconds = Math.floor(performance.timeOrigin / 1_000)
      const { privateKey } = await jose.generateKeyPair("ES256")
      const good = await sign()
      const refused = [
        await sign({}, privateKey),
        await sign({ exp: seconds - 600 }),
        await sign({ nbf: seconds + 3_600 }),
        await sign({ aud: "other" }),
        `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`
      ]
      const opened = await call(url, good, "POST", "/v1/checkout-sessions", { cartId: "cart-0" }, { traceparent })
      assert.strictEqual(opened.status, 201)
      const path = `/v1/checkout-sessions/${opened.body.session.id}`
      const answers = []
      for (const token of refused) answers.push(await call(url, token, "GET", path))
      const [forged, expired, early, foreign, unsigned] = answers
      for (const answer of [foreign, unsigned]) assert.deepStrictEqual(answer, forged)
      assert.deepStrictEqual(early, expired)
      const sentence = "This session is not valid for use with the REST API"
      assert.deepInclude(forged?.body, { status: 401, detail: sentence })
      assert.deepInclude(expired?.body, { status: 401, detail: "Session expired or invalid" })
      const update = { expCurrentState: "Start", nextState: "Inventory" }
      const updated = await call(url, good, "POST", `${path}/update`, update, { traceparent })
      assert.strictEqual(updated.status, 200)
      server.process.kill("SIGTERM")
      const { code, stderr } = await server.ended
      assert.strictEqual(code, 0, stderr)

      const lines = stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      const reasons = lines.flatMap(({ annotations }) => (annotations.reason === undefined ? [] : [annotations.reason]))
      assert.deepStrictEqual(reasons, [
        "bad signature",
        "expired",
        "not yet valid",
        "wrong audience",
        "algorithm not allowed"
      ])
      const line = lines.find(({ annotations }) => annotations.requestId === updated.body.requestId)
      assert.deepInclude(line.annotations, { traceId, status: 200, method: "POST", path: `${path}/update` })
      for (const token of [good, ...refused]) assert.notInclude(stderr, token.split(".")[1]!)
    }))

  it("O2 metrics are open on loopback, and for operators only on a public address", () =>
    inFolder(async (folder) => {
      const server = node(serveArgs(folder))
      const url = await urlOf(server)
      assert.deepInclude(await call(url, null, "GET", "/healthz"), { status: 200, body: { status: "alive" } })
      assert.deepInclude(await call(url, null, "GET", "/readyz"), { status: 200, body: { status: "ready" } })
      const opened = await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: "cart-0" })
      const path = `/v1/checkout-sessions/${opened.body.session.id}/update`
      const body = { expCurrentState: "Start", nextState: "Inventory" }
      await call(url, "alice", "POST", path, body)
      await call(url, "alice", "POST", path, body)
      const { headers, text } = await call(url, null, "GET", "/metrics")
      assert.match(headers["content-type"]!, /^text\/plain; version=0\.0\.4/)
      const numbers = [
        /^onelane_turns_total\{lane="session"\} [3-9]$/m,
        /^onelane_turns_total\{lane="cart"\} [1-9]$/m,
        /^onelane_turns_accepted_total\{lane="session"\} 2$/m,
        /^onelane_refusals_total\{tag="ExpectedStateMismatch"\} 1$/m,
        /^onelane_http_answers_total\{status="409"\} 1$/m,
        /^onelane_sessions_live 1$/m,
        /^onelane_mailbox_depth 0$/m,
        /^onelane_tasks_running 0$/m,
        /^onelane_commit_duration_seconds_bucket\{le="\+Inf"\} [2-9]$/m,
        /^onelane_commit_batch_entries_bucket\{le="1"\} [2-9]$/m,
        /^onelane_waits_total\{lane="session"\} \d+$/m
      ]
      for (const number of numbers) assert.match(text, number)
      server.process.kill("SIGTERM")
      assert.strictEqual((await server.ended).code, 0)

      const open = node([...serveArgs(folder), "--host", "0.0.0.0", "--tokens-anywhere"])
      const anywhere = (await urlOf(open)).replace("0.0.0.0", "127.0.0.1")
      const statuses = []
      for (const token of [null, "alice", "operator"]) {
        statuses.push((await call(anywhere, token, "GET", "/metrics")).status)
      }
      assert.deepStrictEqual(statuses, [401, 404, 200])
      assert.strictEqual((await call(anywhere, "operator", "GET", "/metrics/more")).status, 404)
      open.process.kill("SIGTERM")
      assert.strictEqual((await open.ended).code, 0)
    }))
})

/** One client that moves one session on and on until the server is gone; answers the last version it was promised. */
const runner = async (url: string, id: string): Promise<{ readonly version: number; readonly doubtful: boolean }> => {
  let version = 1
  for (let round = 0; ; round++) {
    const [expCurrentState, nextState] = round % 2 === 0 ? ["Start", "Inventory"] : ["Inventory", "Start"]
    try {
      const body = { expCurrentState, nextState }
      const answer = await call(url, "alice", "POST", `/v1/checkout-sessions/${id}/update`, body)
      if (answer.status !== 200) return { version, doubtful: answer.body.applied !== "no" }
      version = answer.body.session.version
    } catch {
      // Refused or reset: a connection that was never accepted carried nothing, one that was cut may have.
      return { version, doubtful: true }
    }
  }
}

describe("SIGTERM under load", { timeout: 120_000 }, () => {
  it("O5 SIGTERM: /readyz fails first, no acknowledged update is lost, and the exit code is 0 in time", () =>
    inFolder(async (folder) => {
      const args = [...serveArgs(folder), "--flow", "any"]
      const server = node([...args, "--limits", '{"farewellMillis": 500}'])
      const url = await urlOf(server)
      const ids: Array<string> = []
      for (let cart = 0; cart < 32; cart++) {
        const opened = await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: `cart-${cart}` })
        ids.push(opened.body.session.id)
      }
      const running = Promise.all(ids.map((id) => runner(url, id)))
      while (!/answers_total\{status="200"\} \d{3,}/.test((await call(url, null, "GET", "/metrics")).text)) {}
      const began = performance.now()
      server.process.kill("SIGTERM")
      let ready = await call(url, null, "GET", "/readyz")
      while (ready.status === 200) ready = await call(url, null, "GET", "/readyz")
      assert.deepStrictEqual(ready.body, { status: "ending" })
      const promised = await running
      const { code, stderr } = await server.ended
      assert.strictEqual(code, 0, stderr)
      assert.isBelow(performance.now() - began, 10_000)
      const total = promised.reduce((sum, { version }) => sum + version, 0)
      assert.isAbove(total, 100)

      const again = node(args)
      const after = await urlOf(again)
      for (const [index, id] of ids.entries()) {
        const { body } = await call(after, "alice", "GET", `/v1/checkout-sessions/${id}`)
        const { doubtful, version } = promised[index]!
        assert.isAtLeast(body.version, version)
        assert.isAtMost(body.version, version + (doubtful ? 1 : 0))
      }
      again.process.kill("SIGTERM")
      assert.strictEqual((await again.ended).code, 0)
    }))
})
