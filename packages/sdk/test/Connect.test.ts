/** `@onelane/sdk/connect`: what a bundler makes of it for a browser, and that it works where nothing of Node is. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { runInNewContext } from "node:vm"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Client from "@onelane/client"
import { Onelane, OnelaneError } from "@onelane/sdk"
import * as Connect from "@onelane/sdk/connect"
import { toNodeHandler } from "@onelane/sdk/server"
import { build } from "esbuild"
import { root } from "./Ours.js"

const bundled = async () => {
  const { metafile, outputFiles } = await build({
    stdin: { contents: 'export * from "@onelane/sdk/connect"', resolveDir: root },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    globalName: "onelane",
    target: "es2022",
    metafile: true,
    write: false
  })
  const { contents, text } = outputFiles[0]!
  return { text, inputs: Object.keys(metafile.inputs), bytes: gzipSync(contents, { level: 9 }).length }
}

/** What a page has, and no more. */
const page = () => {
  const { AbortController, clearTimeout, crypto, fetch, setTimeout, TextDecoder, URL, URLSearchParams } = globalThis
  return { AbortController, clearTimeout, crypto, fetch, setTimeout, TextDecoder, URL, URLSearchParams }
}

describe("Onelane.connect alone", () => {
  it("is bundled for a browser in 9,500 bytes, without Effect and without Node", async () => {
    const { bytes, inputs } = await bundled()
    assert.isAtMost(bytes, 9_500)
    for (const path of inputs) assert.match(path, /^(<stdin>$|packages\/(client|sdk|engine|checkout)\/)/)
  })

  it("works where nothing of Node is: two clients race, the loser's error is typed, a watched session ends by name", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const server = createServer(
      toNodeHandler(checkout, { authenticate: () => ({ userId: "ann", roles: ["modify-all-data"] }) })
    )
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const { text } = await bundled()
      const told = await runInNewContext(
        `${text}
        ;(async () => {
          const [ann, bob] = await Promise.all([1, 2].map(() => onelane.connect({ url, token: async () => "t" })))
          const { session } = await ann.openOrThrow({ cartId: "cart-1" })
          const step = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" }
          const answers = await Promise.all([ann.update(step), bob.update(step)])
          const watching = ann.changes({ checkoutSessionId: session.id, afterVersion: 1 })[Symbol.asyncIterator]()
          const first = await watching.next()
          const next = watching.next().catch((error) => error)
          await ann.close()
          const ended = await next
          const thrown = await bob.updateOrThrow(step).catch((error) => error)
          const late = await ann.get({ checkoutSessionId: session.id })
          return JSON.stringify([
            answers.filter(({ ok }) => ok).length,
            answers.find(({ ok }) => !ok).error._tag,
            first.value.version,
            ended instanceof onelane.OnelaneError && ended.tag,
            [thrown.tag, thrown.reason, thrown.applied, thrown.current.state],
            late.error.reason
          ])
        })()`,
        { ...page(), url }
      )
      assert.deepStrictEqual(JSON.parse(told), [
        1,
        "ExpectedStateMismatch",
        2,
        "Closed",
        ["ExpectedStateMismatch", "STATE_MISMATCH", "no", "Inventory"],
        "DRAINING"
      ])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it("throws the one error class of the SDK, which is an error of the client, too", () => {
    assert.strictEqual(Connect.OnelaneError, OnelaneError)
    assert.instanceOf(new OnelaneError({ _tag: "Closed" } as never), Client.OnelaneError)
  })

  it("tells the logger why the token function failed, and nobody else", async () => {
    const lines: Array<unknown> = []
    const cause = new Error("the identity provider is down")
    await using checkout = await Onelane.connect({
      url: "http://127.0.0.1:1",
      token: () => Promise.reject(cause),
      logger: (line) => {
        lines.push(line)
        throw new Error("the logger is broken, too")
      }
    })
    const answer = await checkout.get({ checkoutSessionId: "cs_1" })
    assert.deepInclude(answer.ok ? {} : answer.error, { _tag: "NotAuthenticated", reason: "TOKEN_UNAVAILABLE" })
    assert.lengthOf(lines, 1)
    assert.deepInclude(lines[0], { level: "warn", message: "The token function failed", cause })
  })

  it("a connection that was refused sent nothing, so the call was certainly not applied", async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await new Promise((resolve) => server.close(resolve))
    const retry = { limit: 1, baseMillis: 1, maxMillis: 1 }
    await using checkout = await Onelane.connect({ url, token: "t", retry })
    const answer = await checkout.cancel({ cartId: "cart-1" })
    assert.deepInclude(answer.ok ? {} : answer.error, { reason: "CONNECTION_REFUSED", applied: "no" })
  })
})
