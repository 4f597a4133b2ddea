import { assert, describe, it } from "@effect/vitest"
import * as Events from "../src/Events.js"

describe("reading events", () => {
  it("takes text in pieces of any size and drops comments", () => {
    const text = ': hello\n\nid: 1\nevent: change\ndata: {"a":\ndata: 1}\n\nevent: end\ndata: {}\n\nevent: cut\ndata'
    for (const end of ["\n", "\r\n", "\r"])
      for (const size of [1, 2, 7, 100]) {
        const pieces = text.replaceAll("\n", end).match(new RegExp(`[^]{1,${size}}`, "g"))!
        assert.deepStrictEqual(pieces.flatMap(Events.parser()), [
          { name: "change", data: '{"a":\n1}' },
          { name: "end", data: "{}" }
        ])
      }
  })
})
