import { assert, describe, it } from "@effect/vitest"
import { EngineConfig } from "@onelane/engine"

describe("EngineConfig", () => {
  it("takes whole positive numbers and refuses others by name", () => {
    assert.strictEqual(EngineConfig.make({ mailboxCapacity: 7 }).mailboxCapacity, 7)
    assert.strictEqual(EngineConfig.make().systemCapacity, 65_536)
    for (const bad of [0, -1, 1.5, Number.NaN])
      assert.throws(() => EngineConfig.make({ batchCapacity: bad }), /batchCapacity/)
    assert.strictEqual(EngineConfig.make({ conflictRetries: 0 }).conflictRetries, 0)
    assert.throws(() => EngineConfig.make({ bachCapacity: 1 } as object), /there is no bachCapacity/)
  })
})
