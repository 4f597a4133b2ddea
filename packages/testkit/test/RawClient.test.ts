import { assert, describe, it } from "@effect/vitest"
import * as RawClient from "@onelane/testkit/RawClient"

describe("RawClient", () => {
  it("takes an answer to HEAD, which names a length and has no body, apart from the one behind it", () => {
    const head = "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 211\r\n\r\n"
    const error = "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}"
    const { answers, rest } = RawClient.parse(head + error)
    assert.deepStrictEqual(
      answers.map(({ status, body }) => [status, body]),
      [
        [405, ""],
        [400, "{}"]
      ]
    )
    assert.strictEqual(rest, "")
  })
})
