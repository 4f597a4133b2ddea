/** `onelane race` on a checkout of three SQL statements (examples/11-race), as docs/operate/race-your-checkout.md shows it. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect } from "effect"
import { run } from "./Command.js"
import { node, root, temporaryFolder } from "./Program.js"

const page = readFileSync(join(root, "docs/operate/race-your-checkout.md"), "utf8")

/** A table of scenarios without what differs from run to run: the numbers. */
const shape = (text: string): ReadonlyArray<string> =>
  text
    .split("\n\n")[0]!
    .split("\n")
    .map((line) => line.replace(/\d+/g, "n").replace(/ +/g, " "))

describe("race on SQL", { timeout: 240_000 }, () => {
  it("race: a compare-and-set in SQL is correct; to read and then to write is wrong", () =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const postgres = yield* PostgresServer.make()
          const place = yield* postgres.makePlace
          const folder = yield* temporaryFolder
          const history = (way: string): string => join(folder, `${way}.jsonl`)
          const verdict = async (way: string) => {
            const shop = node([join(root, "examples/dist/11-race/shop.js"), way], { DATABASE_URL: place })
            const url = await shop.line((line) => line.startsWith("http"))
            const adapter = join(root, "examples/dist/11-race/adapter.js")
            const told = await run(["race", url, "--adapter", adapter, "--history", history(way)])
            shop.process.kill("SIGKILL")
            await shop.ended
            return told
          }
          const careful = yield* Effect.promise(() => verdict("careful"))
          assert.strictEqual(careful.code, 0, careful.stdout + careful.stderr)
          const careless = yield* Effect.promise(() => verdict("careless"))
          assert.strictEqual(careless.code, 1, careless.stdout + careless.stderr)
          // Judged again from the files, by the states that close a checkout.
          const again = (way: string) => Effect.promise(() => run(["judge", history(way), "--final", "done"]))
          assert.strictEqual((yield* again("careful")).code, 0)
          assert.strictEqual((yield* again("careless")).code, 1)
          assert.match(careless.stdout, /\ntwo tabs .*WRONG: no order/)
          const [shown] = /```text\nSCENARIO.*?```/s.exec(page) ?? []
          assert.deepStrictEqual(shape(careful.stdout), shape(shown!.replace("```text\n", "")))
          const code = readFileSync(join(root, "examples/11-race/adapter.ts"), "utf8").replace(/^\/\*\*.*?\*\/\n/s, "")
          assert.include(page, `\`\`\`ts\n${code}\`\`\``)
        })
      )
    ))
})
