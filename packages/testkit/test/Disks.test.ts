import { assert, describe, it } from "@effect/vitest"
import * as Seeded from "@onelane/testing/Seeded"
import * as Disks from "../src/faults/Disks.js"
import type { Step } from "../src/faults/Record.js"

const write = (name: string, offset: number, text: string): Step => ({
  what: "write",
  name,
  offset,
  bytes: Buffer.from(text)
})

/** Every content of `name` that 300 cuts leave, `undefined` where it is not there. */
const leaves = (steps: ReadonlyArray<Step>, name = "a"): Set<string | undefined> => {
  const disk = Disks.make()
  for (const step of steps) disk.play(step)
  return new Set(Array.from({ length: 300 }, (_, seed) => disk.cut(Seeded.make(seed)).get(name)?.toString()))
}

const made: ReadonlyArray<Step> = [
  { what: "make", name: "a" },
  { what: "syncFolder", name: "" }
]
const sync: Step = { what: "sync", name: "a" }

describe("Disks", () => {
  it("keeps synced writes", () => {
    assert.deepStrictEqual(leaves([...made, write("a", 0, "one"), sync]), new Set(["one"]))
  })

  it("may lose writes that were not synced, in any order", () => {
    const left = leaves([...made, write("a", 0, "one"), sync, write("a", 0, "two"), write("a", 2, "xy")])
    assert.deepStrictEqual(left, new Set(["one", "two", "twxy", "onxy", "twoy"]))
  })

  it("tears a write between sectors, never within one", () => {
    const left = leaves([...made, write("a", 0, "-".repeat(1_024)), sync, write("a", 0, "+".repeat(1_024))])
    const [minus, plus] = ["-".repeat(512), "+".repeat(512)]
    assert.deepStrictEqual(left, new Set([minus + minus, plus + plus, minus + plus, plus + minus]))
  })

  it("may lose a created name and keep a removed one until the directory is synced", () => {
    assert.isTrue(leaves(made.slice(0, 1)).has(undefined))
    assert.isFalse(leaves(made).has(undefined))
    const removed: ReadonlyArray<Step> = [...made, write("a", 0, "one"), sync, { what: "remove", name: "a" }]
    assert.deepStrictEqual(leaves(removed), new Set(["one", undefined]))
    assert.deepStrictEqual(leaves([...removed, { what: "syncFolder", name: "" }]), new Set([undefined]))
  })

  it("may lose a hard link, and keeps the content under the other name", () => {
    const link: Step = { what: "link", name: "b", from: "a" }
    const linked = [...made, write("a", 0, "one"), sync, link, { what: "remove", name: "a" } as const]
    assert.deepStrictEqual(leaves(linked, "b"), new Set(["one", undefined]))
    assert.deepStrictEqual(leaves([...linked, { what: "syncFolder", name: "" }], "b"), new Set(["one"]))
  })

  it("keeps the order of names", () => {
    const both: ReadonlyArray<Step> = [...made, { what: "make", name: "b" }, { what: "remove", name: "a" }]
    const disk = Disks.make()
    for (const step of both) disk.play(step)
    for (let seed = 0; seed < 100; seed++) {
      const image = disk.cut(Seeded.make(seed))
      assert.isTrue(image.has("a") || image.has("b"))
    }
  })
})
