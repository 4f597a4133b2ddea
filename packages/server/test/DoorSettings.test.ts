import { assert, describe, it } from "@effect/vitest"
import { Either } from "effect"
import * as Limits from "../src/settings/Limits.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"

const parse = (...args: ReadonlyArray<string>) =>
  ServeConfig.parse(args, {}, (path) => {
    throw new Error(`no such file: ${path}`)
  })

const door = (...args: ReadonlyArray<string>) => Either.getOrThrowWith(parse(...args), Error).door

const wrong = (...args: ReadonlyArray<string>) => {
  const config = parse(...args)
  return Either.isLeft(config) ? config.left : "it was accepted"
}

const tokens = ["--tokens", '{"t":{"userId":"ann","roles":[]}}']
const jwt = { issuer: "https://id.example", audience: ["onelane"], jwksUrl: "https://id.example/keys" }

describe("DoorSettings", () => {
  it("the defaults are strict", () => {
    assert.deepStrictEqual(door(...tokens), {
      jwt: null,
      apiKeys: false,
      tokensAnywhere: false,
      limits: Limits.defaults,
      corsOrigins: [],
      metricsFor: null,
      otlp: null,
      traceRatio: 1,
      logLevel: "info",
      logFormat: "json",
      logRequests: false
    })
  })

  it("fixed tokens on a public address are refused unless forced", () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.5", "shop.example", "127.evil.example"]) {
      assert.match(wrong(...tokens, "--host", host), /^--tokens is for development only, and /, host)
      assert.isTrue(door(...tokens, "--host", host, "--tokens-anywhere").tokensAnywhere)
    }
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"]) door(...tokens, "--host", host)
    assert.isTrue(door("--host", "0.0.0.0", "--api-keys").apiKeys)
  })

  it("a server without tokens, JWT and API keys is refused", () => {
    assert.match(wrong(), /no tokens: nobody could call/)
    assert.isTrue(door("--api-keys").apiKeys)
    assert.strictEqual(door("--jwt", JSON.stringify(jwt)).jwt?.issuer, jwt.issuer)
  })

  it("errors name the wrong setting and the reason", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [["--jwt", '{"issuer":"i"}'], /^--jwt: .*audience/s],
      [["--jwt", JSON.stringify({ ...jwt, algorithms: ["none"] })], /^--jwt: .*none/s],
      [["--jwt", "gone.json"], /^--jwt: gone\.json: no such file/],
      [["--limits", '{"bodyMaxByte":1}'], /^--limits: .*bodyMaxByte/s],
      [["--limits", '{"jsonMaxDepth":0}'], /^--limits: .*jsonMaxDepth/s],
      [["--limits", '{"headersMillis":1.5}'], /^--limits: .*headersMillis/s],
      [["--cors", "*"], /^--cors: not an origin: "\*"/],
      [["--cors", "https://a.example/path"], /^--cors: not an origin/],
      [["--metrics", "some"], /^--metrics: not one of everybody, operators, nobody/],
      [["--otlp", "collector:4318"], /^--otlp: not an url/],
      [["--trace-ratio", "1.5"], /^--trace-ratio: not a ratio from 0 to 1: "1.5"/],
      [["--trace-ratio", "often"], /^--trace-ratio: not a ratio from 0 to 1/],
      [["--log-level", "loud"], /^--log-level: not one of error, warning, info, debug/]
    ]
    for (const [args, sentence] of cases) assert.match(wrong(...tokens, ...args), sentence)
  })

  it("the trace ratio is a number from 0 to 1", () => {
    for (const ratio of ["0", "1", "0.01", ".5", "1.0"]) {
      assert.strictEqual(door(...tokens, "--trace-ratio", ratio).traceRatio, Number(ratio))
    }
  })

  it("limits that are set replace their defaults; the others stay", () => {
    const { limits } = door(...tokens, "--limits", '{"bodyMaxBytes":10,"lingerMillis":0}')
    assert.deepStrictEqual(limits, { ...Limits.defaults, bodyMaxBytes: 10, lingerMillis: 0 })
  })
})
