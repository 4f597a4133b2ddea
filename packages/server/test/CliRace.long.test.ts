/** `onelane race`: on our server in both formats, on naive checkouts, and on a seller of the Agentic Commerce Protocol. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "./Command.js"
import { inFolder, node, root } from "./Program.js"
import * as StandIn from "./race/StandIn.js"
import { serving } from "./Serving.js"

const flowFile = (folder: string): string => {
  const path = join(folder, "flow.json")
  const states = Object.entries(StandIn.flow.transitions).map(([name, next]) => [name, { next }] as const)
  writeFileSync(path, JSON.stringify({ name: "stand-in", initial: "Cart", states: Object.fromEntries(states) }))
  return path
}

const short = ["--rounds", "3", "--calls", "2000"]

const serve = async (
  fault: StandIn.Fault | null,
  test: (url: string, folder: string) => Promise<void>
): Promise<void> => {
  const { close, url } = await StandIn.serve(fault, 1)
  await inFolder((folder) => test(url, folder)).finally(close)
}

const tokens = { operator: { userId: "operator", roles: ["modify-all-data"] } }
const owner = JSON.stringify({ ownerId: "ann", accountId: "acme", storeId: "store" })
const seed = JSON.stringify({
  users: [{ id: "ann" }],
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann"], stores: ["store"] }]
})

describe("onelane race", { timeout: 240_000 }, () => {
  it("race: a correct checkout is exit 0; its calls are a history that judge takes", () =>
    serve(null, async (url, folder) => {
      const [history, junit, svg] = ["h.jsonl", "junit.xml", "proof.svg"].map((name) => join(folder, name))
      const args = ["race", url, "--flow", flowFile(folder), ...short]
      const { code, stderr, stdout } = await run([...args, "--history", history!, "--junit", junit!, "--svg", svg!])
      assert.strictEqual(code, 0, stdout + stderr)
      assert.strictEqual(stderr, "")
      assert.match(stdout, /^SCENARIO +SESSIONS +RACES.*\ntwo tabs +3 +\d+ .*correct\n/)
      assert.match(stdout, /\ncorrect: \d+ calls, \d+ races, [\d.]+ s; one order of the calls explains every answer\n$/)
      assert.include(readFileSync(junit!, "utf8"), 'failures="0" errors="0" skipped="0"')
      assert.throws(() => readFileSync(svg!), /ENOENT/)
      const judged = await run(["judge", history!, "--flow", flowFile(folder)])
      assert.strictEqual(judged.code, 0, judged.stderr)
    }))

  it("race: a checkout that reads and then writes is exit 1, with a time line, a picture and JUnit XML", () =>
    serve("read, then write", async (url, folder) => {
      const [history, junit, svg] = ["h.jsonl", "junit.xml", "proof.svg"].map((name) => join(folder, name))
      const args = ["race", url, "--flow", flowFile(folder), "--history", history!, "--junit", junit!, "--svg", svg!]
      const { code, stderr, stdout } = await run(args)
      assert.strictEqual(code, 1, stdout)
      assert.match(stderr, /^onelane: wrong: .*found after \d+ calls\n$/)
      assert.match(stdout, /WRONG: \w+/)
      assert.match(stdout, /p\d +├─*┤ +update \w+ → \w+: ok version \d/)
      assert.match(readFileSync(svg!, "utf8"), /^<svg /)
      assert.match(readFileSync(junit!, "utf8"), /<failure type="[a-z ]+" message="s\d+: /)
      assert.strictEqual((await run(["judge", history!, "--flow", flowFile(folder)])).code, 1)
    }))

  it("race: wrong arguments are exit 2, and nothing is sent", async () => {
    const { close, url } = await StandIn.serve(null, 1)
    try {
      for (const [args, why] of [
        [["http://203.0.113.9"], "is not this machine"],
        [["http://user:word@127.0.0.1"], "must not hold a user"],
        [[url, "--adapter", "none"], "no such adapter: none; there are native, standard-action, acp, or a file"],
        [[url, "--flow", "nowhere"], "no such flow"],
        [[url, "--create", "[]"], "--create must be a JSON object"],
        [[url, "--calls", "0"], "calls is a whole number"],
        [[url, "--calls", "100001"], "calls is a whole number"],
        [[url, "--token-file", "/none"], "cannot read /none"]
      ] as const) {
        const { code, stderr, stdout } = await run(["race", ...args])
        assert.strictEqual(code, 2, `${args.join(" ")}: ${stdout}${stderr}`)
        assert.include(stderr + stdout, why)
      }
    } finally {
      close()
    }
  })

  it("race: a checkout that cannot be reached, or races too little, is exit 3", () =>
    serve(null, async (url, folder) => {
      const junit = join(folder, "junit.xml")
      const gone = await run(["race", "http://127.0.0.1:1", "--junit", junit])
      assert.strictEqual(gone.code, 3)
      assert.include(gone.stderr, "onelane: not judged: no session could be opened: no connection: ECONNREFUSED")
      assert.include(readFileSync(junit, "utf8"), '<error type="not judged"')
      const few = await run(["race", url, "--flow", flowFile(folder), "--calls", "20", "--json"])
      assert.strictEqual(few.code, 3)
      assert.deepInclude(JSON.parse(few.stdout), { verdict: "not judged", calls: 20 })
    }))

  it("race: the token reaches the checkout and nothing that is printed or written", () =>
    inFolder(async (folder) => {
      const token = "operator-s3cret"
      const file = join(folder, "token")
      writeFileSync(file, `${token}\n`)
      const adapter = join(folder, "echo.mjs")
      writeFileSync(
        adapter,
        `const told = async ({ http }) => {
  const { json } = await http({ method: "GET", path: "/healthz", headers: {} })
  return { outcome: "accepted", session: "s", seen: { state: "A" } }
}
export const adapter = {
  name: "echo", initial: "A", transitions: { A: ["B"], B: [] }, authorize: (token) => { globalThis.seen = token; return { "x-key": token } },
  create: told, read: async () => ({ outcome: "accepted", seen: { state: globalThis.seen } }),
  update: async () => ({ outcome: "refused", error: globalThis.seen })
}\n`
      )
      const { close, url } = await StandIn.serve(null, 1)
      const files = ["h.jsonl", "junit.xml", "proof.svg"].map((name) => join(folder, name))
      const [history, junit, svg] = files as [string, string, string]
      const args = [
        "race",
        url,
        "--adapter",
        adapter,
        "--token-file",
        file,
        "--history",
        history,
        "--junit",
        junit,
        "--svg",
        svg
      ]
      const told = await run(args)
      const fromEnvironment = await run(["race", url, "--adapter", adapter, "--json"], { ONELANE_RACE_TOKEN: token })
      close()
      for (const { code, stderr, stdout } of [told, fromEnvironment]) {
        assert.strictEqual(code, 1, stderr)
        assert.include(stdout, "[token]")
        assert.notInclude(stdout + stderr, token)
      }
      for (const each of files) assert.notInclude(readFileSync(each, "utf8"), token)
    }))

  it("race: our server is correct in the native format and in that of the standard actions", () =>
    Effect.runPromise(
      serving(
        tokens,
        (url) =>
          inFolder(async () => {
            for (const adapter of ["native", "standard-action"]) {
              const args = ["race", url, "--adapter", adapter, "--create", owner, ...short]
              const { code, stderr, stdout } = await run(args, { ONELANE_RACE_TOKEN: "operator" })
              assert.strictEqual(code, 0, `${adapter}: ${stdout}${stderr}`)
            }
          }),
        ["--seed", seed]
      )
    ))

  it("race: the agentic example is correct: no edit is lost, and complete beside cancel has one winner", () =>
    inFolder(async (folder) => {
      const seller = node([join(root, "examples/dist/09-agentic-checkout.js"), join(folder, "checkout.db"), "0"])
      const port = (await seller.line((line) => line.startsWith("listening on "))).split(" ").at(-1)
      const create = JSON.stringify({ line_items: [{ id: "mug" }] })
      const args = ["race", `http://127.0.0.1:${port}`, "--adapter", "acp", "--create", create, ...short]
      const { code, stderr, stdout } = await run(args, { ONELANE_RACE_TOKEN: "agent-key" })
      seller.process.kill("SIGTERM")
      await seller.ended
      assert.strictEqual(code, 0, stdout + stderr)
    }))
})
