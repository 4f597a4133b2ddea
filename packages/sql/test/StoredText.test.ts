import { assert, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { escape, unescape } from "../src/journal/StoredText.js"

const anyText = FastCheck.string({ unit: "binary" }).map((text) => text)
const anyUnits = FastCheck.array(FastCheck.integer({ min: 0, max: 0xffff })).map((units) =>
  String.fromCharCode(...units)
)

it.prop(
  "every id comes back, and none is stored with a NUL or half a pair",
  [FastCheck.oneof(anyText, anyUnits)],
  ([id]) => {
    const stored = escape(id)
    assert.strictEqual(unescape(stored), id)
    assert.isFalse(stored.includes("\0"))
    assert.strictEqual(Buffer.from(stored, "utf8").toString("utf8"), stored)
  }
)

it("an ordinary id is stored as it is", () => {
  assert.strictEqual(escape("0Hx_a-9 é 🛒"), "0Hx_a-9 é 🛒")
})
