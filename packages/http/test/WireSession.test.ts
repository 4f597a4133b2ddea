import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as WireSession from "../src/contract/WireSession.js"

const instant = Schema.Int.pipe(Schema.between(0, 8.64e15))

/** Sessions with anything in their fields that is of the right type. */
const sessions = Arbitrary.make(
  Schema.typeSchema(
    Schema.Struct({
      ...WireSession.Session.fields,
      createdAt: instant,
      updatedAt: instant,
      expiresAt: Schema.NullOr(instant)
    })
  )
)

const encode = Schema.encodeSync(WireSession.Session)

describe("WireSession", () => {
  it.prop(
    "writes a session as its schema encodes it, to the byte",
    [sessions],
    ([session]) =>
      assert.strictEqual(JSON.stringify(WireSession.encodeSession(session)), JSON.stringify(encode(session))),
    { fastCheck: { numRuns: 500 } }
  )
})
