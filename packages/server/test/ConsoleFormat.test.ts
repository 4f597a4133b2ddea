/** The files of the console, served from a folder that stands in for the page. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ConsoleFormat from "../src/operations/ConsoleFormat.js"
import * as Door from "./Door.js"
import { temporaryFolder } from "./Program.js"
import { serving } from "./Serving.js"
import { get } from "./Wire.js"

const files = {
  "index.html": ["text/html; charset=utf-8", '<!doctype html><script type="module" src="app.js"></script>'],
  "app.js": ["text/javascript; charset=utf-8", `export const text = "${"page ".repeat(200)}"`],
  "icons/a.png": ["image/png", Buffer.from([137, 80, 78, 71, 0, 255, 254])]
} as const

const secret = "not for the page"

/** A folder with the files, and one more that is none of the page. */
const page = Effect.map(temporaryFolder, (folder) => {
  mkdirSync(join(folder, "dist/icons"), { recursive: true })
  writeFileSync(join(folder, "secret.txt"), secret)
  writeFileSync(join(folder, "dist/secret.txt"), secret)
  return Object.entries(files).map(([path, [type, content]]) => {
    writeFileSync(join(folder, "dist", path), content)
    return { path, type, file: pathToFileURL(join(folder, "dist", path)) }
  })
})

const door = Effect.gen(function* () {
  const assets = yield* page
  const made = yield* Door.make({ formats: [{ prefix: ConsoleFormat.path, format: ConsoleFormat.make(assets) }] })
  const url = `http://127.0.0.1:${made.port}`
  const ask = (path: string, init: RequestInit = {}) => fetch(url + path, { redirect: "manual", ...init })
  return { ...made, url, ask, assets }
})

type Served = Effect.Effect.Success<typeof door>

const use = <A>(test: (served: Served) => Promise<A>) =>
  Effect.flatMap(door, (made) => Effect.promise(() => test(made)))

describe("the files of the console", { timeout: 60_000 }, () => {
  it.scopedLive("K1 every file is there without a token, and the page itself at the folder", () =>
    use(async ({ ask }) => {
      for (const [path, [type, content]] of Object.entries(files)) {
        const answer = await ask(`/console/${path}`)
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("content-type"), type)
        assert.deepStrictEqual(Buffer.from(await answer.arrayBuffer()), Buffer.from(content))
        const head = await ask(`/console/${path}`, { method: "HEAD" })
        assert.deepStrictEqual([head.status, await head.text()], [200, ""])
        assert.strictEqual(head.headers.get("etag"), answer.headers.get("etag"))
      }
      assert.strictEqual(await (await ask("/console/")).text(), files["index.html"][1])
      const folder = await ask("/console")
      assert.deepStrictEqual([folder.status, folder.headers.get("location")], [308, "/console/"])
    })
  )

  it.scopedLive("K1 other paths are a 404 and other methods a 405; nothing beside the files can be reached", () =>
    use(async (made) => {
      const beside = ["secret.txt", "../secret.txt", "../../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt"]
      const odd = ["/secret.txt", "/app.js", "app.js/", "App.js", "app%2ejs", "icons", "icons/", "app.js%00", ".", ".."]
      const paths = [...beside, ...odd].map((path) => `/console/${path}`)
      for (const path of [...paths, "/consolex", "/console.html"]) {
        const text = await told(made, path)
        assert.match(text, /^HTTP\/1\.1 404 /, path)
        assert.notInclude(text, secret)
        assert.include(text, "application/problem+json")
      }
      for (const path of ["/console", "/console/", "/console/app.js"]) {
        const answer = await made.ask(path, {
          method: "POST",
          body: "{}",
          headers: { "content-type": "application/json" }
        })
        assert.deepStrictEqual([answer.status, answer.headers.get("allow")], [405, "GET"])
        assert.strictEqual((await made.ask(path, { method: "OPTIONS" })).status, 204)
      }
      assert.strictEqual((await made.ask("/console/none", { method: "POST" })).status, 404)
    })
  )

  it.scopedLive("K2 a file may run and load what this server gives, and nothing else; nobody may frame it", () =>
    use(async ({ ask }) => {
      for (const path of ["", ...Object.keys(files)]) {
        const { headers } = await ask(`/console/${path}`)
        const policy = new Map(
          headers
            .get("content-security-policy")!
            .split("; ")
            .map((rule: string) => rule.split(/ (.*)/) as [string, string])
        )
        assert.strictEqual(policy.get("default-src"), "'none'")
        for (const name of ["frame-ancestors", "base-uri", "form-action"])
          assert.strictEqual(policy.get(name), "'none'", name)
        for (const name of ["script-src", "style-src", "connect-src"]) assert.strictEqual(policy.get(name), "'self'")
        assert.notMatch(headers.get("content-security-policy")!, /unsafe|\*|https?:/)
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
      }
    })
  )

  it.scopedLive(
    "K3 a file has a tag, is not sent again while it is the same, and is compressed where that is taken",
    () =>
      use(async ({ ask }) => {
        const plain = await ask("/console/app.js", { headers: { "accept-encoding": "identity" } })
        assert.strictEqual(plain.headers.get("cache-control"), "no-cache")
        const etag = plain.headers.get("etag")!
        const again = await ask("/console/app.js", {
          headers: { "accept-encoding": "identity", "if-none-match": etag }
        })
        assert.deepStrictEqual([again.status, await again.text()], [304, ""])
        const small = await ask("/console/app.js", { headers: { "accept-encoding": "gzip" } })
        assert.strictEqual(small.headers.get("content-encoding"), "gzip")
        assert.isBelow(Number(small.headers.get("content-length")), Number(plain.headers.get("content-length")))
        assert.strictEqual(await small.text(), files["app.js"][1])
        assert.notStrictEqual(small.headers.get("etag"), etag)
      })
  )

  it.scopedLive("K1 a file that cannot be read, or a page that is not there, is a 404", () =>
    use(async ({ ask, assets }) => {
      for (const { file } of assets) rmSync(file)
      assert.strictEqual((await ask("/console/app.js")).status, 404)
      const empty = ConsoleFormat.make([])
      for (const path of ["/console", "/console/"])
        assert.deepInclude(empty.route({ path, method: "GET" } as never), { status: 404 })
    })
  )

  it.live("K1 --no-console leaves the page out, and nothing else", () =>
    serving(
      { operator: { userId: "o", roles: ["modify-all-data"] } },
      async (url) => {
        for (const path of ["/console", "/console/", "/console/index.html"])
          assert.strictEqual((await fetch(url + path, { redirect: "manual" })).status, 404)
        assert.strictEqual((await fetch(`${url}/docs`)).status, 200)
      },
      ["--no-console"]
    )
  )
})

const told = ({ port, ...made }: Door.Door, path: string): Promise<string> =>
  Effect.runPromise(Door.told({ port, ...made }, [get(path)]))
