/** Whatever is wrong with a request, the adapters of Node and of the platform answer it with the same bytes. */
import { assert, describe, it } from "@effect/vitest"
import * as WireCases from "@onelane/testkit/WireCases"
import { Effect } from "effect"
import * as FastCheck from "effect/FastCheck"
import {
  type Door,
  type How,
  isEmpty,
  make,
  native,
  nativePath,
  newSession,
  type Options,
  request,
  standardPath,
  told,
  update
} from "./Door.js"

const heads = (id: string): ReadonlyArray<string> => {
  const path = nativePath(id)
  return [
    ...["", "{", "[]", "null", "1", '"a"', "{}", '{"a":1,}', "\ufeff{}", "\u0000"].map((body) => native(id, { body })),
    ...["[[", '{"a":{"__proto__":1}}', '{"__proto__":{"isAdmin":true}}', `{"x":"${"[".repeat(100)}"}`].map((body) =>
      native(id, { body })
    ),
    native(id, { body: "[".repeat(100) }),
    native(id, { body: `"${"é".repeat(150)}"` }),
    native(id, { body: " ".repeat(201) }),
    ...["text/plain", "application/json; charset=utf-8", "application/json;charset=x", "APPLICATION/JSON"].map((type) =>
      native(id, { type })
    ),
    native(id, { type: null }),
    native(id, { headers: "content-encoding: gzip\r\n" }),
    native(id, { headers: "content-type: application/json\r\n" }),
    native(id, { headers: "authorization: Bearer buyer\r\n" }),
    ...['"1","2"', "1", 'W/"1"', "*", '"0"', '"999999999999999"', ""].map((tag) =>
      native(id, { headers: `if-match: ${tag}\r\n` })
    ),
    native(id, { headers: `idempotency-key: ${"k".repeat(256)}\r\n` }),
    native(id, { headers: "idempotency-key: a\r\nidempotency-key: b\r\n" }),
    native(id, { headers: "expect: 100-continue\r\n" }),
    native(id, { body: { ...update, checkoutSessionId: "other" } }),
    native(id, { body: { ...update, checkoutSessionId: id, expectedVersion: 9 }, headers: 'if-match: "8"\r\n' }),
    ...["", "none", "eyJhbGciOiJub25lIn0.e30.", "buyer extra"].map((token) => native(id, { token })),
    ...["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"].map((method) => native(id, { method })),
    ...["%", "%zz", "%73ession", "a%2Fb", "a%00b", "é", "", "a;b"].map((odd) =>
      request({ path: nativePath(odd), body: update })
    ),
    ...[`${path}/`, `/${path}`, path.toUpperCase(), `${path}?a=b`, `${path}#x`, `http://a${path}`, `${path}%20`].map(
      (odd) => request({ path: odd, body: update })
    )
  ]
}

const actionsAndFrames = (id: string): ReadonlyArray<string> => {
  const path = nativePath(id)
  const two = {
    inputs: [
      { checkoutSessionId: id, ...update },
      { checkoutSessionId: id, ...update }
    ]
  }
  const chunked = (text: string) =>
    `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer buyer\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${text}`
  return [
    request({ path: standardPath, body: two }),
    request({ path: standardPath, body: { inputs: [...two.inputs, ...two.inputs] } }),
    ...[
      {},
      { inputs: [] },
      { inputs: {} },
      { inputs: [null] },
      { inputs: [1] },
      { inputs: [[]] },
      { inputs: [{}], more: 1 }
    ].map((body) => request({ path: standardPath, body })),
    ...["v62", "62.0", "v1.0", "v62.00"].map((version) =>
      request({ path: standardPath.replace("v62.0", version), body: two })
    ),
    request({ path: standardPath.replace("update", "Update"), body: two }),
    chunked("2\r\n{}\r\n0\r\n\r\n"),
    chunked(`${(201).toString(16)}\r\n${" ".repeat(201)}\r\n0\r\n\r\n`),
    chunked("zz\r\n"),
    native(id).replace("HTTP/1.1", "HTTP/1.0"),
    native(id).replace("host: a\r\n", ""),
    native(id).replace("content-length", "content-length: 1\r\ncontent-length")
  ]
}

const hows: ReadonlyArray<How> = ["served", "effects", "platform"]

/** The same server by every adapter, each with one session of the same id. */
const opened = (options?: Options) =>
  Effect.gen(function* () {
    const doors = yield* Effect.forEach(hows, (how) => make(options, how))
    yield* Effect.forEach(doors, (door) => newSession(door, 1))
    return { doors, id: "session-1" }
  })

/** Sends the same to all, and wants the same back; says what it was. */
const alike = (
  doors: ReadonlyArray<Door>,
  pieces: ReadonlyArray<Buffer | string>,
  options?: Parameters<typeof told>[2]
) =>
  Effect.gen(function* () {
    const [first, ...others] = yield* Effect.forEach(doors, (door) => told(door, pieces, options), { concurrency: 3 })
    for (const other of others) assert.strictEqual(other, first, pieces.join("").slice(0, 500))
    return first!
  })

const sameNumbers = (doors: ReadonlyArray<Door>) => {
  const [first, ...others] = doors.map(({ metrics }) => [[...metrics.answers].sort(), [...metrics.refusals].sort()])
  for (const other of others) assert.deepStrictEqual(other, first)
  for (const door of doors) isEmpty(door)
}

describe("requests that are wrong in some way", () => {
  it.scopedLive(
    "invalid requests get the same bytes and the same counts from every adapter",
    () =>
      Effect.gen(function* () {
        const { doors, id } = yield* opened({ limits: { bodyMaxBytes: 200, inputsMaxCount: 2 } })
        for (const bytes of [...heads(id), ...actionsAndFrames(id)]) {
          yield* alike(doors, [bytes], { lateMillis: bytes.startsWith("HEAD") ? 200 : 3_000 })
        }
        sameNumbers(doors)
      }),
    60_000
  )

  it.scopedLive(
    "requests generated from the contract get the same answers from every adapter",
    () =>
      Effect.gen(function* () {
        const { doors, id } = yield* opened()
        const described = yield* alike(doors, [request({ method: "GET", path: "/openapi.json" })])
        const contract = JSON.parse(described.slice(described.indexOf("\r\n\r\n"), described.lastIndexOf("[")))
        const paths = Object.entries((contract as WireCases.Contract).paths)
        const posts = { paths: Object.fromEntries(paths.filter(([path]) => /update|invoke|action\}/.test(path))) }
        const drawn = FastCheck.sample(WireCases.cases(posts, { sessionId: id, token: "host" }), {
          numRuns: 400,
          seed: 7
        })
        for (const { answers, isHead, isIntact, pieces } of drawn) {
          if (isIntact && !isHead) yield* alike(doors, pieces, { answers })
        }
        sameNumbers(doors)
      }),
    60_000
  )
})
