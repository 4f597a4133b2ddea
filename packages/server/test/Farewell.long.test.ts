/** SIGTERM under clients who keep their connections and ask on and on: nobody who has asked is reset. */
import { Agent, request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Listener from "../src/serve/Listener.js"
import * as ListenerLimits from "../src/settings/ListenerLimits.js"
import * as Door from "./Door.js"
import { inFolder, node, serveArgs, urlOf } from "./Program.js"
import { dial, get, statuses } from "./Wire.js"

interface Told {
  readonly status: number | string
  readonly closes: boolean
}

const headers = { authorization: "Bearer alice" }

// A client that a loaded machine delays for longer than the server lingers meets the end of its idle connection.
const patient = ["--limits", JSON.stringify({ lingerMillis: 2_000 })]

/** One request on a kept connection: its status, or what the operating system called its end. */
const ask = (agent: Agent, url: string): Promise<Told> =>
  new Promise((resolve) => {
    const path = "/v1/checkout-sessions/no_such_session"
    const asked = request(`${url}${path}`, { agent, headers }, (answer) => {
      answer.resume()
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, closes: answer.headers.connection === "close" }))
      answer.on("error", (error) => resolve({ status: String((error as { code?: string }).code), closes: false }))
    })
    asked.on("error", (error) => resolve({ status: String((error as { code?: string }).code), closes: false }))
    asked.end()
  })

/** A client that asks the servers in turn, until it is told to stop; a refused connection sends it to the next one. */
const asking = async (
  urls: ReadonlyArray<string>,
  isOver: () => boolean,
  pauseMillis: number,
  told: Array<Told> = []
) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let turn = 0; !isOver(); turn++) {
    told.push(await ask(agent, urls[turn % urls.length]!))
    if (pauseMillis > 0) await Effect.runPromise(Effect.sleep(pauseMillis))
    // Nobody asks a server again and again that is gone.
    if (urls.length === 1 && told.at(-1)!.status === "ECONNREFUSED") break
  }
  agent.destroy()
  return told
}

const countOf = (told: ReadonlyArray<Told>, status: number | string) =>
  told.filter((each) => each.status === status).length

describe("SIGTERM", { timeout: 120_000 }, () => {
  for (const pauseMillis of [0, 20]) {
    it(`L10 O5 SIGTERM resets none of 16 busy keep-alive clients that pause ${pauseMillis} ms`, () =>
      inFolder(async (folder) => {
        const server = node([...serveArgs(folder), ...patient])
        const url = await urlOf(server)
        const clients = Array.from({ length: 16 }, () => asking([url], () => false, pauseMillis))
        await Effect.runPromise(Effect.sleep(500))
        server.process.kill("SIGTERM")
        const told = (await Promise.all(clients)).flat()
        const odd = told.filter(({ status }) => status !== "ECONNREFUSED" && typeof status !== "number")
        assert.deepStrictEqual(odd, [])
        assert.strictEqual(countOf(told, "ECONNREFUSED"), 16)
        assert.isAbove(countOf(told, 400), 16)
        assert.isAbove(told.filter(({ closes }) => closes).length, 0)
        assert.strictEqual((await server.ended).code, 0)
      }))
  }

  it("L10 SIGTERM of one of two servers: a client of both sees only refused connections", () =>
    inFolder((one) =>
      inFolder(async (two) => {
        const [leaving, staying] = [node([...serveArgs(one), ...patient]), node(serveArgs(two))]
        const urls = await Promise.all([urlOf(leaving), urlOf(staying)])
        let isOver = false
        const told: Array<Told> = []
        const clients = Array.from({ length: 16 }, () => asking(urls, () => isOver, 0, told))
        await Effect.runPromise(Effect.sleep(500))
        leaving.process.kill("SIGTERM")
        assert.strictEqual((await leaving.ended).code, 0)
        for (let looks = 0; looks < 100 && countOf(told, "ECONNREFUSED") === 0; looks++)
          await Effect.runPromise(Effect.sleep(100))
        isOver = true
        await Promise.all(clients)
        const odd = told.filter(({ status }) => status !== "ECONNREFUSED" && typeof status !== "number")
        assert.deepStrictEqual(odd, [])
        assert.isAbove(countOf(told, "ECONNREFUSED"), 0)
        staying.process.kill("SIGTERM")
        assert.strictEqual((await staying.ended).code, 0)
      })
    ))
})

describe("a listener that leaves", () => {
  const limits = { ...ListenerLimits.defaults, lingerMillis: 100, closeMillis: 1_000 }

  it.scopedLive("L10 a leaving listener answers all pipelined requests, and closes with the last answer", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const { heard, socket } = dial(door.port)
      yield* Effect.async<void>((resume) => void socket.once("connect", () => resume(Effect.void)))
      yield* Listener.leave(door.listener)
      socket.write(get("/a") + get("/b") + get("/c"))
      const { end, text } = yield* heard
      assert.deepStrictEqual([statuses(text), end], [[404, 404, 404], "closed"])
      assert.lengthOf(text.match(/connection: close/gi)!, 1)
      assert.match(text.slice(text.lastIndexOf("HTTP/1.1 404")), /connection: close/i)
    })
  )

  it.scopedLive("L10 a leaving listener closes a connection with the answer in flight", () =>
    Effect.gen(function* () {
      const door = yield* Door.make({ pages: { "/slow": Effect.delay(Effect.die("slow"), 150) } })
      const { heard } = dial(door.port, get("/slow"))
      yield* Effect.sleep(50)
      yield* Listener.close(door.listener, limits)
      const { end, text } = yield* heard
      assert.match(text, /^HTTP\/1\.1 500 [\s\S]*connection: close/i)
      assert.strictEqual(end, "closed")
    })
  )

  it.scopedLive("L10 a leaving listener answers requests while it lingers, also on new connections", () =>
    Effect.gen(function* () {
      const door = yield* Door.make()
      const kept = dial(door.port, get("/a"))
      yield* Effect.repeat(Effect.sleep(5), { until: () => statuses(kept.text()).length === 1 })
      const closing = yield* Effect.fork(Listener.close(door.listener, { ...limits, lingerMillis: 300 }))
      yield* Effect.sleep(100)
      kept.socket.write(get("/b"))
      const { text } = yield* kept.heard
      assert.deepStrictEqual(statuses(text), [404, 404])
      const { end, text: fresh } = yield* dial(door.port, get("/c")).heard
      assert.match(fresh, /^HTTP\/1\.1 404 [\s\S]*connection: close/i)
      assert.strictEqual(end, "closed")
      yield* closing.await
      assert.strictEqual((yield* dial(door.port, get("/d")).heard).end, "ECONNREFUSED")
    })
  )
})
