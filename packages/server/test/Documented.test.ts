/** What can be set and what is counted stands in the pages for those who run a server. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { EngineMetrics } from "@onelane/engine"
import { DoorMetrics } from "@onelane/http"
import { StoreHealth } from "@onelane/sql"
import * as Samples from "../src/operations/Samples.js"
import * as Limits from "../src/settings/Limits.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"
import * as Settings from "../src/settings/Settings.js"
import { root } from "./Program.js"

const page = (name: string): string => readFileSync(join(root, name), "utf8")
const operations = page("docs/operate/OPERATIONS.md")
const settings = [...ServeConfig.settings, Settings.configFile].map(({ name }) => name)

describe("the pages for operators", () => {
  it("OPERATIONS names every setting, and only existing ones", () => {
    for (const name of settings) assert.match(operations, new RegExp(`--${name}\\b`), name)
    for (const text of [operations, page("README.md")]) {
      for (const [line] of text.matchAll(/onelane serve --.*/g)) {
        for (const [, name] of line.split("`")[0]!.matchAll(/--([a-z-]+)/g)) {
          assert.include([...settings, "help"], name)
        }
      }
    }
  })

  it("PROTOCOL names every limit with its default", () => {
    const protocol = page("packages/http/PROTOCOL.md")
    for (const [name, value] of Object.entries(Limits.defaults)) {
      const shown = value === Number.POSITIVE_INFINITY ? "unlimited" : value.toLocaleString("en-US")
      const row = protocol.split("\n").find((line) => line.startsWith("| `") && line.includes(`\`${name}\``))
      assert.include(row, shown, name)
    }
  })

  it("OPERATIONS names every metric, and only existing ones", () => {
    const commit = EngineMetrics.makeCommit()
    const lanes = { sessions: EngineMetrics.make(), carts: EngineMetrics.make() }
    const engine = { ...lanes, commit, tasks: () => 0, clockOffsetMillis: () => 0, attempts: null }
    const counted = Samples.read(engine, DoorMetrics.make(), StoreHealth.none).map(({ name }) => name)
    const named = [...operations.matchAll(/`((?:onelane|process)_\w+)`/g)].map(([, name]) => name!)
    assert.sameMembers(named, counted)
  })
})
