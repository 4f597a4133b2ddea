/** What a race may reach: one host, by addresses that were looked up once, within bounds. */
import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { clearInterval, setInterval } from "node:timers"
import { assert, describe, it } from "@effect/vitest"
import * as RaceClient from "../src/race/RaceClient.js"
import * as RaceTarget from "../src/race/RaceTarget.js"

const serving = async (
  listener: RequestListener,
  test: (url: string, port: number) => Promise<void>
): Promise<void> => {
  const server = createServer(listener)
  await once(server.listen(0, "127.0.0.1"), "listening")
  const { port } = server.address() as AddressInfo
  try {
    await test(`http://127.0.0.1:${port}`, port)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const limits = { requestsMaxCount: 10, deadlineMillis: 300, bodyMaxBytes: 1_000, socketsMaxCount: 4 }

const clientOf = async (url: string, token: string | null = null, more: Partial<RaceClient.ClientLimits> = {}) => {
  const target = await RaceTarget.make(url, false)
  if (typeof target === "string") return assert.fail(target)
  return RaceClient.make(target, { ...limits, ...more }, token, {})
}

const failed = async (running: Promise<unknown>): Promise<RaceClient.NoAnswer> => {
  const thrown = await running.then(
    () => assert.fail("was answered"),
    (error: unknown) => error
  )
  assert.instanceOf(thrown, RaceClient.RequestFailed)
  return thrown.kind
}

const get = { method: "GET", path: "/x" }

describe("RaceTarget", () => {
  const resolve =
    (addresses: Readonly<Record<string, ReadonlyArray<string>>>): RaceTarget.Resolve =>
    async (name) =>
      (addresses[name] ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
  const names = resolve({
    localhost: ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "shop.localhost": ["::1"],
    "mixed.example": ["127.0.0.1", "203.0.113.9"],
    "far.example": ["203.0.113.9"],
    "localhost.far.example": ["203.0.113.9"]
  })
  const told = async (url: string, isOwn = false) => {
    const target = await RaceTarget.make(url, isOwn, names)
    return typeof target === "string" ? target : `${target.origin}${target.base}`
  }

  it("target: this machine in all its forms may be raced", async () => {
    for (const url of [
      "http://127.0.0.1:8080/",
      "http://localhost:8080",
      "http://LOCALHOST:8080",
      "http://localhost.:8080",
      "http://shop.localhost:8080",
      "http://[::1]:8080",
      "http://[::ffff:127.0.0.1]:8080",
      "http://127.9.9.9:8080",
      "http://2130706433:8080",
      "http://0x7f.1:8080",
      "http://0177.0.0.1:8080",
      "https://localhost:8443/base/"
    ]) {
      assert.match(await told(url), /^https?:\/\/[^ ]+:\d+(\/base)?$/, url)
    }
  })

  it("target: any other host is refused unless it is said to be one's own, however it is written", async () => {
    for (const url of [
      "http://far.example",
      "http://mixed.example",
      "http://localhost.far.example",
      "http://203.0.113.9",
      "http://3405803785",
      "http://0.0.0.0:8080",
      "http://[::]:8080",
      "http://[2001:db8::1]",
      "http://[::ffff:203.0.113.9]",
      "http://169.254.169.254"
    ]) {
      assert.include(await told(url), "is not this machine", url)
      assert.match(await told(url, true), /^http:/, url)
    }
    for (const [url, why] of [
      ["http://127.0.0.1@far.example", "must not hold a user"],
      ["http://localhost:8080@far.example", "must not hold a user"],
      ["http://far.example\\@127.0.0.1", "is not this machine"],
      ["ftp://127.0.0.1", "must begin with http"],
      ["file:///etc/passwd", "must begin with http"],
      ["127.0.0.1:8080", "not valid"],
      ["http://127.0.0.1/?a=1", "no query"],
      ["http://nowhere.example", "has no address"]
    ] as const) {
      assert.include(await told(url), why, url)
    }
  })
})

describe("RaceClient", { timeout: 20_000 }, () => {
  it("client: the name is looked up once; later it may say what it will", async () => {
    await serving(
      (_, response) => response.end("{}"),
      async (_, port) => {
        let asked = 0
        const target = await RaceTarget.make(`http://rebinding.example:${port}`, false, async () =>
          asked++ === 0 ? [{ address: "127.0.0.1", family: 4 }] : [{ address: "203.0.113.9", family: 4 }]
        )
        if (typeof target === "string") return assert.fail(target)
        const client = RaceClient.make(target, limits, null, {})
        assert.strictEqual((await client.http(get)).status, 200)
        assert.strictEqual((await client.http({ ...get, method: "POST", body: {} })).status, 200)
        assert.strictEqual(asked, 1)
        client.close()
      }
    )
  })

  it("client: a redirect is followed on its own origin alone, and takes no token elsewhere", async () => {
    const seen: Array<string> = []
    await serving(
      (request, response) => {
        seen.push(`elsewhere ${request.headers.authorization}`)
        response.end("{}")
      },
      async (elsewhere) => {
        await serving(
          (request, response) => {
            seen.push(`${request.method} ${request.url}`)
            const [, status, to = ""] = /^\/(\d+)(.*)$/.exec(request.url!) ?? []
            const location = to === "/away" ? `${elsewhere}/x` : to === "/slashes" ? `//${elsewhere.slice(7)}/x` : to
            if (status === undefined) return void response.end('{"at":"home"}')
            response.writeHead(Number(status), { location }).end()
          },
          async (url) => {
            const { close, http } = await clientOf(url, "s3cret", { requestsMaxCount: 40 })
            assert.deepStrictEqual((await http({ ...get, path: "/302/x" })).json, { at: "home" })
            assert.deepStrictEqual((await http({ method: "POST", path: "/307/x", body: {} })).json, { at: "home" })
            assert.strictEqual((await http({ method: "POST", path: "/302/x", body: {} })).status, 302)
            for (const status of [301, 302, 303, 307, 308]) {
              assert.strictEqual(await failed(http({ ...get, path: `/${status}/away` })), "redirected")
              assert.strictEqual(await failed(http({ ...get, path: `/${status}/slashes` })), "redirected")
            }
            assert.strictEqual(await failed(http({ ...get, path: "/302/302/302/302/302/x" })), "redirected")
            close()
          }
        )
      }
    )
    assert.isFalse(seen.some((each) => each.startsWith("elsewhere")))
  })

  it("client: requests, bytes of an answer and the wait for it are bounded", async () => {
    await serving(
      (request, response) => {
        if (request.url === "/big") response.end("x".repeat(1_001))
        else if (request.url === "/drip") {
          response.write("{")
          const timer = setInterval(() => response.write(" "), 20)
          response.on("close", () => clearInterval(timer))
        } else if (request.url === "/cut") {
          response.writeHead(200, { "content-length": 100 })
          response.write("{", () => response.destroy())
        } else if (request.url === "/x") response.end("x".repeat(1_000))
      },
      async (url) => {
        const { close, http, requests } = await clientOf(url)
        assert.strictEqual((await http(get)).text.length, 1_000)
        assert.strictEqual(await failed(http({ ...get, path: "/big" })), "too large")
        assert.strictEqual(await failed(http({ ...get, path: "/never" })), "timeout")
        assert.strictEqual(await failed(http({ ...get, path: "/drip" })), "timeout")
        assert.strictEqual(await failed(http({ ...get, path: "/cut" })), "lost")
        for (const path of ["x", "//far.example/x", "@far.example/", ""])
          assert.strictEqual(await failed(http({ ...get, path })), "unsent", path)
        while (requests() < 10) await http(get)
        assert.strictEqual(await failed(http(get)), "over")
        assert.strictEqual(requests(), 10)
        close()
      }
    )
    const { close, http } = await clientOf("http://127.0.0.1:1")
    assert.strictEqual(await failed(http(get)), "unsent")
    close()
  })

  it("client: the token goes along as the adapter says, and nowhere else", async () => {
    await serving(
      ({ headers }, response) =>
        response.end(JSON.stringify({ authorization: headers.authorization, key: headers["x-key"] })),
      async (url) => {
        const usual = await clientOf(url, "s3cret")
        assert.deepStrictEqual((await usual.http(get)).json, { authorization: "Bearer s3cret" })
        const target = (await RaceTarget.make(url, false)) as RaceTarget.RaceTarget
        const own = RaceClient.make(target, limits, "s3cret", { authorize: (token) => ({ "x-key": token }) })
        assert.deepStrictEqual((await own.http(get)).json, { key: "s3cret" })
        usual.close()
        own.close()
      }
    )
  })
})
