import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { peerLines } from "../src/rows/P15.js"
import { makeDirectory } from "../src/WorkingFolder.js"
import * as Peers from "../src/whole/Peers.js"
import { stateAt, transitions } from "../src/whole/Route.js"
import { makeRuns } from "../src/whole/Shop.js"

const route = Array.from({ length: transitions }, (_, index) => stateAt(index + 1))
const before = process.env.ONELANE_PEERS

const setFolder = (folder: string | undefined): void => {
  if (folder === undefined) delete process.env.ONELANE_PEERS
  else process.env.ONELANE_PEERS = folder
}

/** Follows the route with what is asked of the engine written down. */
const followed = async (manner: Peers.Manner, hear = async (state: string) => state) => {
  const asked: Array<string> = []
  const note = (what: string) => async (state: string) => void asked.push(`${what} ${state}`)
  const way = await Peers.follow(manner, {
    hear: (state) => note("hear")(state).then(() => hear(state)),
    work: note("work"),
    tell: note("tell")
  })
  return { asked, way }
}

describe("Peers", () => {
  beforeEach(() => setFolder(undefined))
  afterEach(() => setFolder(before))

  it("without the folder every peer is left out, and its lines are not measured", () => {
    for (const folder of [undefined, "", makeDirectory()]) {
      setFolder(folder)
      for (const peer of Peers.peers) assert.include(Peers.absence(peer)!, "bench/NOTES.md")
      const lines = peerLines(new Map())
      assert.strictEqual(lines.length, 4)
      for (const { met, note, ratio } of lines) {
        assert.deepStrictEqual({ met, ratio }, { met: null, ratio: null })
        assert.include(note!, "ONELANE_PEERS")
      }
    }
  })

  it("a peer of which one package is missing is left out, and the other one is not", () => {
    const folder = makeDirectory()
    setFolder(folder)
    for (const name of ["@dbos-inc/dbos-sdk", "@restatedev/restate-sdk"]) {
      mkdirSync(join(folder, "node_modules", name), { recursive: true })
      writeFileSync(join(folder, "node_modules", name, "package.json"), JSON.stringify({ version: "1.2.3" }))
    }
    assert.isNull(Peers.absence("DBOS"))
    assert.strictEqual(Peers.versionOf("DBOS"), "1.2.3")
    assert.include(Peers.absence("Restate")!, "@restatedev/restate-sdk-clients")
  })

  it("a driven workflow hears each move and tells of each arrival after its work", async () => {
    const { asked, way } = await followed("driven")
    assert.deepStrictEqual(way, route)
    const [first, second] = [stateAt(1), stateAt(2)]
    assert.deepStrictEqual(asked.slice(0, 4), [`hear ${first}`, `hear ${second}`, `work ${second}`, `tell ${second}`])
    assert.strictEqual(asked.length, transitions + 2 * (transitions / 2))
  })

  it("a workflow of one call does the same work and asks nobody", async () => {
    const { asked, way } = await followed("one call")
    assert.deepStrictEqual(way, route)
    assert.deepStrictEqual(
      asked,
      route.filter((_, index) => index % 2 === 1).map((state) => `work ${state}`)
    )
  })

  it("a checkout that was moved wrongly, has no end, or has one twice is found", async () => {
    const { way } = await followed("driven", async (state) => (state === stateAt(3) ? stateAt(2) : state))
    assert.include(Peers.faultOf("a", way)!, "a: Step 1, Step 2, Step 2")
    assert.include(Peers.faultOf("a", null)!, "no end")
    assert.include(Peers.faultOf("a", [...route, stateAt(transitions)])!, "a: ")
    assert.isNull(Peers.faultOf("a", route))
  })

  it("work that ran twice, or did not run, is found", () => {
    const runs = makeRuns()
    for (const state of route.filter((_, index) => index % 2 === 1)) runs.ran(state)
    assert.isNull(runs.fault(1))
    assert.include(runs.fault(2)!, "7 times instead of 14")
    runs.ran(stateAt(2))
    assert.include(runs.fault(1)!, "ran 2 times")
  })
})
