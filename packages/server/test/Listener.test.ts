/** The listener under raw bytes: what HTTP libraries would never say, or would hide. */
import type { Server } from "node:http"
import { type AddressInfo, connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Listener from "../src/serve/Listener.js"
import * as ListenerLimits from "../src/settings/ListenerLimits.js"

/** A listener whose requests are answered by `answer`, or after their body with what they were. */
const listening = (
  limits: Partial<ListenerLimits.ListenerLimits> = {},
  answer?: Parameters<Server["on"]>[1]
): Effect.Effect<{ readonly server: Server; readonly port: number }, never, any> =>
  Effect.gen(function* () {
    const server = yield* Listener.make({ ...ListenerLimits.defaults, ...limits })
    server.on(
      "request",
      answer ??
        ((request, response) => {
          request.resume()
          request.on("end", () => response.end(`${request.method} ${request.url}`))
        })
    )
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    return { server, port: (server.address() as AddressInfo).port }
  })

/** A connection, and all it was told until it was closed. */
const dial = (port: number, bytes = "", allowHalfOpen = false) => {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen })
  const heard = new Promise<string>((resolve) => {
    let text = ""
    socket.setEncoding("utf8")
    socket.on("data", (chunk) => (text += chunk))
    socket.on("error", () => {})
    socket.on("close", () => resolve(text))
    socket.on("end", () => socket.end())
  })
  if (bytes !== "") socket.write(bytes)
  return {
    socket,
    heard: Effect.timeout(
      Effect.promise(() => heard),
      "8 seconds"
    )
  }
}

const connected = (socket: Socket) =>
  Effect.async<void>((resume) => void socket.once("connect", () => resume(Effect.void)))

const get = (path: string, ...headers: ReadonlyArray<string>) =>
  ["GET ", path, " HTTP/1.1\r\nHost: x\r\n", ...headers.map((line) => `${line}\r\n`), "\r\n"].join("")

const isProblem = (answer: string, status: number, code: string) => {
  assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `))
  assert.match(answer, /content-type: application\/problem\+json/i)
  assert.match(answer, /cache-control: no-store/i)
  assert.match(answer, /connection: close/i)
  const body = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4))
  assert.deepInclude(body, { status, code, applied: "no", _tag: "AdapterError" })
}

/** Nothing is left of any connection. */
const nobody = (server: Server) =>
  Effect.async<number>((resume) => void server.getConnections((_, count) => resume(Effect.succeed(count)))).pipe(
    Effect.delay(20),
    Effect.repeat({ until: (count) => count === 0 }),
    Effect.timeout("8 seconds")
  )

describe("Listener", () => {
  it.scopedLive("L1 a malformed request is answered 400 with a body", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      for (const bytes of [
        "GET /v1/x HTTP/1.1\r\n\r\n",
        "GARBAGE\r\n\r\n",
        "GET / HTTP/11\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001",
        get("/", "Bad Header: x"),
        get("/", "Content-Length: 5", "Content-Length: 6"),
        `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
      ]) {
        isProblem(yield* dial(port, bytes).heard, 400, "MALFORMED_REQUEST")
      }
    })
  )

  it.scopedLive("L1 a duplicate or invalid Host is answered 400, and the connection closes", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const named = (...lines: ReadonlyArray<string>) => `GET / HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`
      for (const lines of [
        ["Host: a", "Host: a"],
        ["Host: a", "Host: b"],
        ["Host: a", "X: y", "host: b"],
        ["Host:", "Host: a"],
        ...["", "a b", "a/b", "user@a", "a:b", "a:123456", "a,b, c", "[::1", "[g::1]", "%zz", 'a"b', "a\u00e9"].map(
          (host) => [`Host: ${host}`]
        )
      ]) {
        isProblem(yield* dial(port, named(...lines)).heard, 400, "MALFORMED_REQUEST")
      }
      isProblem(yield* dial(port, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n").heard, 400, "MALFORMED_REQUEST")
      for (const host of ["a", "example.org:8080", "127.0.0.1:1", "[::1]", "[::1]:80", "a:", "xn--a.b_c"]) {
        assert.match(yield* dial(port, named(`Host: ${host}`, "Connection: close")).heard, /^HTTP\/1\.1 200 /, host)
      }
    })
  )

  it.scopedLive("L18 other HTTP versions are answered 505, unknown transfer codings 501, malformed ones 400", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      for (const line of ["GET / HTTP/9.9", "GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.2", "GET /"]) {
        isProblem(yield* dial(port, `${line}\r\nHost: x\r\n\r\n`).heard, 505, "HTTP_VERSION_NOT_SUPPORTED")
      }
      isProblem(yield* dial(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").heard, 505, "HTTP_VERSION_NOT_SUPPORTED")
      const coded = (...lines: ReadonlyArray<string>) =>
        dial(port, `${get("/", ...lines.map((line) => `Transfer-Encoding: ${line}`)).replace("GET", "POST")}0\r\n\r\n`)
          .heard
      for (const codings of [
        ["gzip"],
        ["gzip, chunked"],
        ["identity"],
        ["xchunked"],
        ["chunked, gzip"],
        ["gzip", "chunked"]
      ]) {
        isProblem(yield* coded(...codings), 501, "NOT_IMPLEMENTED")
      }
      for (const codings of [["chunked, chunked"], ["chunked", "chunked"], [""]]) {
        isProblem(yield* coded(...codings), 400, "MALFORMED_REQUEST")
      }
      const old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      isProblem(yield* dial(port, old).heard, 400, "MALFORMED_REQUEST")
    })
  )

  it.scopedLive("L1 a wrong head is answered in order, and nothing after it is processed", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const answering: Array<() => void> = []
      const { port } = yield* listening({}, (request, response) => {
        seen.push(request.url ?? "")
        answering.push(() => response.end("first"))
      })
      const { heard } = dial(port, `${get("/a")}GET /b HTTP/1.1\r\n\r\n${get("/c")}`)
      yield* Effect.repeat(Effect.sleep(10), { until: () => answering.length === 1 })
      answering[0]!()
      const text = yield* heard
      assert.match(text, /^HTTP\/1\.1 200 [\s\S]*first/)
      isProblem(text.slice(text.indexOf("first") + 5), 400, "MALFORMED_REQUEST")
      assert.deepStrictEqual(seen, ["/a"])
    })
  )

  it.scopedLive("L2 headers at the limit are accepted, one byte more is answered 431", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ headersMaxBytes: 1_000 })
      const heard = (length: number) => dial(port, get("/", "Connection: close", `X: ${"a".repeat(length)}`)).heard
      assert.match(yield* heard(900), /^HTTP\/1\.1 200 /)
      isProblem(yield* heard(1_100), 431, "LIMIT_EXCEEDED")
      isProblem(yield* dial(port, get(`/${"a".repeat(1_100)}`)).heard, 431, "LIMIT_EXCEEDED")
    })
  )

  it.scopedLive("L3 missing headers are answered 408 in time, counted from the connection", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ headersMillis: 200 })
      const began = performance.now()
      const [silent, slow] = yield* Effect.all([dial(port).heard, dial(port, "GET / HTTP/1.1\r\nHo").heard], {
        concurrency: 2
      })
      for (const answer of [silent, slow]) isProblem(answer, 408, "REQUEST_TIMEOUT")
      assert.isBelow(performance.now() - began, 3_000)
    })
  )

  it.scopedLive("L4 a body that arrives too slowly is answered 408, with or without a length", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ headersMillis: 200, requestMillis: 400 })
      for (const how of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
        const { heard, socket } = dial(port, `POST / HTTP/1.1\r\nHost: x\r\n${how}\r\n\r\n`)
        const dripping = Effect.forever(
          Effect.delay(
            Effect.sync(() => socket.writable && socket.write(how.startsWith("T") ? "1\r\na\r\n" : "a")),
            50
          )
        )
        isProblem(yield* Effect.raceFirst(heard, dripping), 408, "REQUEST_TIMEOUT")
      }
    })
  )

  it.scopedLive("L5 an idle connection is closed after its answer", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ idleMillis: 200 })
      const began = performance.now()
      const answer = yield* dial(port, get("/one")).heard
      assert.match(answer, /^HTTP\/1\.1 200 .*GET \/one$/s)
      assert.isBelow(performance.now() - began, 3_000)
    })
  )

  it.scopedLive("L6 one connection too many is refused at once, and accepted after another has left", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ connectionsMaxCount: 2 })
      const held = [dial(port), dial(port)]
      for (const { socket } of held) yield* connected(socket)
      const refused = yield* dial(port, get("/")).heard
      isProblem(refused, 503, "SERVER_UNAVAILABLE")
      assert.match(refused, /retry-after: 1/i)
      held[0]!.socket.destroy()
      const again = Effect.suspend(() => dial(port, get("/", "Connection: close")).heard)
      const answer = yield* Effect.repeat(again, { until: (text) => text.includes(" 200 "), times: 20 })
      assert.match(answer, /^HTTP\/1\.1 200 /)
    })
  )

  it.scopedLive("L7 a half-closed client still gets its answers, in order", () =>
    Effect.gen(function* () {
      const answering: Array<() => void> = []
      const { port } = yield* listening({}, (_, response) => answering.push(() => response.end("late")))
      const { heard, socket } = dial(port, "", true)
      socket.end(get("/"))
      yield* Effect.repeat(Effect.sleep(10), { until: () => answering.length === 1 })
      yield* Effect.sleep(50)
      answering[0]!()
      assert.match(yield* heard, /^HTTP\/1\.1 200 .*late$/s)
    })
  )

  it.scopedLive("L8 an answer in flight survives garbage after its request", () =>
    Effect.gen(function* () {
      const answering: Array<() => void> = []
      const { port } = yield* listening({}, (_, response) => answering.push(() => response.end("first")))
      const { heard } = dial(port, `${get("/")}GARBAGE\r\n\r\n`)
      yield* Effect.repeat(Effect.sleep(10), { until: () => answering.length === 1 })
      yield* Effect.sleep(50)
      answering[0]!()
      const answer = yield* heard
      assert.match(answer, /^HTTP\/1\.1 200 .*firstHTTP\/1\.1 400 /s)
    })
  )

  it.scopedLive("L9 duplicate headers are joined, so all readers see the same value", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({}, (request, response) => response.end(request.headers.authorization))
      const twice = get("/", "Authorization: Bearer a", "Authorization: Bearer b", "Connection: close")
      assert.match(yield* dial(port, twice).heard, /Bearer a, Bearer b$/)
    })
  )

  it.scopedLive("L10 closing ends idle connections at once, and waits a limited time for answers in flight", () =>
    Effect.gen(function* () {
      const answering: Array<() => void> = []
      const { port, server } = yield* listening({}, (request, response) =>
        request.url === "/slow" ? answering.push(() => response.end("done")) : response.end("quick")
      )
      const idle = dial(port, get("/"))
      const slow = dial(port, get("/slow"))
      const stuck = dial(port, get("/slow"))
      yield* Effect.repeat(Effect.sleep(10), { until: () => answering.length === 2 })
      const began = performance.now()
      const closing = yield* Effect.fork(
        Listener.close(server, { ...ListenerLimits.defaults, lingerMillis: 20, closeMillis: 1_500 })
      )
      assert.match(yield* idle.heard, /quick$/)
      assert.isBelow(performance.now() - began, 1_400)
      answering[0]!()
      assert.match(yield* slow.heard, /done$/)
      assert.strictEqual(yield* stuck.heard, "")
      yield* closing.await
      assert.isBelow(performance.now() - began, 5_000)
    })
  )

  it.scopedLive("L11 an answer that makes no progress is cut", () =>
    Effect.gen(function* () {
      const { port } = yield* listening({ stallMillis: 300 }, (_, response) => response.write("half"))
      const began = performance.now()
      assert.match(yield* dial(port, get("/")).heard, /half\r\n$/)
      assert.isBelow(performance.now() - began, 3_000)
    })
  )

  it.scopedLive("L12 an upgrade request is ignored despite upgrade listeners, and the connection closes", () =>
    Effect.gen(function* () {
      const { port, server } = yield* listening()
      // As the server of the platform does.
      server.on("upgrade", (_, socket) => socket.write("never"))
      for (const wish of ["websocket", "h2c, websocket", "TLS/1.3"]) {
        const bytes = get("/a", "Connection: Upgrade, HTTP2-Settings", `Upgrade: ${wish}`, "HTTP2-Settings: AAMAAABk")
        const heard = yield* dial(port, bytes + get("/b")).heard
        assert.match(heard, /^HTTP\/1\.1 200 /)
        assert.match(heard, /connection: close/i)
        assert.isTrue(heard.endsWith("GET /a"), heard)
      }
      yield* nobody(server)
    })
  )

  it.scopedLive("L13 CONNECT is refused with a body after earlier answers, and tunnelled bytes are dropped", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const { port, server } = yield* listening({}, (request, response) => {
        seen.push(`${request.method} ${request.url}`)
        response.end("first")
      })
      const tunnel = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"
      for (const bytes of [tunnel, "CONNECT example.org:443 HTTP/1.1\r\n\r\n", tunnel + get("/inside")]) {
        const heard = yield* dial(port, bytes).heard
        isProblem(heard, 405, "METHOD_NOT_ALLOWED")
        assert.match(heard, /allow: GET, POST/i)
      }
      assert.deepStrictEqual(seen, [])
      const behind = yield* dial(port, get("/a") + tunnel).heard
      assert.match(behind, /^HTTP\/1\.1 200 [\s\S]*first/)
      isProblem(behind.slice(behind.indexOf("first") + 5), 405, "METHOD_NOT_ALLOWED")
      assert.deepStrictEqual(seen, ["GET /a"])
      // One that neither reads nor goes is cut.
      connect({ port, host: "127.0.0.1", allowHalfOpen: true })
        .on("error", () => {})
        .write(tunnel)
      yield* nobody(server)
    })
  )

  it.scopedLive("L14 an unknown Expect header is ignored", () =>
    Effect.gen(function* () {
      const { port } = yield* listening()
      const body = ["Content-Length: 2", "Connection: close", "Expect: nonsense"]
      const heard = yield* dial(port, `${get("/", ...body).replace("GET", "POST")}{}`).heard
      assert.match(heard, /^HTTP\/1\.1 200 [\s\S]*POST \/$/)
    })
  )
})
