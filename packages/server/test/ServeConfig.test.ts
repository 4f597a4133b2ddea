import { assert, describe, it } from "@effect/vitest"
import { Flow } from "@onelane/checkout"
import { Either } from "effect"
import * as Tokens from "../src/identity/Tokens.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"

const files: Readonly<Record<string, string>> = {
  "tokens.json": JSON.stringify({ t1: { userId: "ann", roles: ["buyer-checkout"], accountId: "acme" } }),
  "seed.json": JSON.stringify({ stores: ["store"], carts: [{ id: "c", storeId: "s", accountId: "a", ownerId: "o" }] }),
  "config.json": JSON.stringify({ port: 2, flow: "any", tokens: { t2: { userId: "bob", roles: [] } } }),
  "wrong-port.json": JSON.stringify({ port: true }),
  "typo.json": JSON.stringify({ stroes: [] }),
  "broken.json": "{"
}

const readFile = (path: string): string => {
  const text = files[path]
  if (text === undefined) throw new Error(`no such file: ${path}`)
  return text
}

const parse = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  ServeConfig.parse(args, env, readFile)

const withTokens = ["--tokens", "tokens.json"]

describe("ServeConfig", () => {
  it("every setting except the tokens has a default", () => {
    const config = Either.getOrThrowWith(parse(withTokens), Error)
    const { tokens: _, door: __, ...rest } = config
    const listens = { host: "127.0.0.1", port: 8080 }
    const alone = { backupFolder: null, cluster: null, clusterListen: null, clusterSecret: null, noConsole: false }
    assert.deepStrictEqual(rest, { storage: "onelane.db", ...listens, flow: Flow.b2b, app: null, seed: null, ...alone })
  })

  it("cluster: the node's address is accepted only with a shared storage", () => {
    const storage = ["--storage", "postgres://db/onelane"]
    const config = Either.getOrThrowWith(
      parse([...withTokens, ...storage, "--cluster", "[::1]:7000", "--cluster-listen", "0.0.0.0:7001"], {
        ONELANE_CLUSTER_SECRET: "s"
      }),
      Error
    )
    assert.deepInclude(config, {
      cluster: { host: "::1", port: 7000 },
      clusterListen: { host: "0.0.0.0", port: 7001 },
      clusterSecret: "s"
    })
    const wrong = (...args: ReadonlyArray<string>) =>
      Either.getOrThrowWith(Either.flip(parse([...withTokens, ...args])), () => new Error("it was accepted"))
    assert.strictEqual(wrong(...storage, "--cluster", "nowhere"), '--cluster: not host:port: "nowhere"')
    assert.match(wrong("--cluster", "h:1"), /--storage postgres:/)
  })

  it("flags override environment variables", () => {
    const env = { ONELANE_PORT: "1", ONELANE_HOST: "::1", ONELANE_FLOW: "any", ONELANE_SEED: "seed.json" }
    const config = Either.getOrThrowWith(parse([...withTokens, "--port", "0", "--storage", ":memory:"], env), Error)
    assert.deepInclude(config, { port: 0, host: "::1", flow: Flow.any, storage: ":memory:" })
    assert.deepStrictEqual(config.seed, {
      users: [],
      stores: ["store"],
      accounts: [],
      carts: [{ id: "c", storeId: "s", accountId: "a", ownerId: "o", status: "Active" }]
    })
  })

  it("environment variables override the file of --config", () => {
    const env = { ONELANE_PORT: "1", ONELANE_CONFIG: "config.json" }
    const config = Either.getOrThrowWith(parse([], env), Error)
    assert.deepInclude(config, { port: 1, flow: Flow.any })
    assert.deepStrictEqual(config.tokens, { t2: { userId: "bob", roles: [] } })
  })

  it("errors name the source of each wrong setting", () => {
    const wrong = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
      Either.getOrThrowWith(Either.flip(parse([...withTokens, ...args], env)), () => new Error("it was accepted"))
    assert.strictEqual(
      wrong(["--flow", "x"], { ONELANE_PORT: "y" }).replace(/;.*$/m, ""),
      'ONELANE_PORT: not a port: "y"\n--flow: no such flow: "x"'
    )
    assert.strictEqual(wrong(["--config", "wrong-port.json"], {}), '"port" in wrong-port.json: not a port: "true"')
    assert.strictEqual(wrong([], { ONELANE_CONFIG: "typo.json" }), '--config typo.json: no such setting: "stroes"')
  })

  it("tokens come from a file or, as JSON, from the environment", () => {
    const inline = Either.getOrThrowWith(parse([], { ONELANE_TOKENS: files["tokens.json"]! }), Error)
    const fromFile = Either.getOrThrowWith(parse(withTokens), Error)
    assert.deepStrictEqual(inline.tokens, fromFile.tokens)
    assert.deepStrictEqual(Tokens.callersOf(inline.tokens), {
      t1: { userId: "ann", roles: ["buyer-checkout"], actingAccountId: "acme" }
    })
  })

  it("each error is one sentence", () => {
    const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [[], /no tokens/],
      [["--tokens", "none.json"], /no such file: none.json/],
      [["--tokens", "broken.json"], /^--tokens: broken.json: /],
      [[...withTokens, "--seed", "typo.json"], /stroes/],
      [[...withTokens, "--port", "65536"], /^--port: not a port: "65536"$/],
      [[...withTokens, "--port", "-1"], /port/],
      [[...withTokens, "--flow", "toString"], /no such flow: "toString"/],
      [[...withTokens, "--colour", "red"], /--colour/],
      [[...withTokens, "stray"], /stray/],
      [[...withTokens, "--limits", '{"idleMilis":1}'], /^--limits: there is no idleMilis; there are headersMaxBytes, /],
      [[...withTokens, "--limits", "{1}"], /^--limits: Expected property name/],
      [["--jwt", '{"issuer":5}'], /^--jwt: issuer: Expected string, actual 5$/],
      // The names at its top are tokens.
      [["--tokens", '{"secret":5}'], /^--tokens: …: Expected /],
      [["--tokens", '{"secret":{"userId":"ann","roles":["x"]}}'], /^--tokens: ….roles.0: Expected /]
    ]
    for (const [args, sentence] of wrong) {
      const config = parse(args)
      const said = Either.isLeft(config) ? config.left : "it was accepted"
      assert.match(said, sentence)
      assert.notMatch(said, /└/)
    }
  })
})
