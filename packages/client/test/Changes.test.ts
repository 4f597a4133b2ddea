/** Following a session: breaks, silence, lost tokens, and ends. */
import type { ServerResponse } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type CallError, connect, type HistoryEntry, OnelaneError } from "../src/index.js"
import { entry, json, open, problem, session } from "./Door.js"

const retry = { baseMillis: 1, maxMillis: 5, limit: 3 }
const which = { checkoutSessionId: "s1", afterVersion: 0 }

const change = (version: number): string => `id: ${version}\nevent: change\ndata: ${JSON.stringify(entry(version))}\n\n`

const begin = (response: ServerResponse, ...pieces: ReadonlyArray<string>): void => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.flushHeaders()
  for (const piece of pieces) response.write(piece)
}

const collect = async (entries: AsyncIterable<HistoryEntry>): Promise<ReadonlyArray<number>> => {
  const versions: Array<number> = []
  for await (const { version } of entries) versions.push(version)
  return versions
}

const failure = async (entries: AsyncIterable<HistoryEntry>): Promise<CallError | null> => {
  try {
    await collect(entries)
    return null
  } catch (error) {
    if (error instanceof OnelaneError) return error.error
    throw error
  }
}

describe("changes", () => {
  it.scopedLive("come once and in order, through cut, silent and draining streams, and in pieces", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open((_, response, index) => {
        if (index === 0) {
          begin(response, change(1), change(2).slice(0, 40))
          return void pause(50).then(() => response.destroy())
        }
        if (index === 1) return begin(response, ": heartbeat\n\n", change(2))
        if (index === 2) {
          begin(
            response,
            `event: error\ndata: ${JSON.stringify(problem("Overloaded", { reason: "DRAINING", retryable: true, retryAfterMillis: 1 }))}\n\n`
          )
          return void response.end()
        }
        const text = `${change(3)}event: end\ndata: {}\n\n`
        begin(response, ...Array.from(text))
        return undefined
      })
      const client = connect({ url, token: "t", retry, follow: { silenceMillis: 200 } })
      assert.deepStrictEqual(yield* Effect.promise(() => collect(client.changes(which))), [1, 2, 3])
      assert.deepStrictEqual(
        heard.map(({ headers }) => headers["last-event-id"]),
        ["0", "1", "2", "2"]
      )
      assert.isTrue(heard.every(({ headers, path }) => headers.authorization === "Bearer t" && !path.includes("t=")))
    })
  )

  it.scopedLive("end with a lost right by its error, and with too many breaks by the last one", () =>
    Effect.gen(function* () {
      const refusal = problem("SessionInaccessible", { reason: "SESSION_INACCESSIBLE" })
      const { heard, url } = yield* open(({ path }, response) =>
        path.includes("gone")
          ? begin(response, change(1), `event: error\ndata: ${JSON.stringify(refusal)}\n\n`)
          : response.destroy()
      )
      const client = connect({ url, token: "t", retry })
      const lost = yield* Effect.promise(() => failure(client.changes({ ...which, checkoutSessionId: "gone" })))
      assert.strictEqual(lost?._tag, "SessionInaccessible")
      const before = heard.length
      const cut = yield* Effect.promise(() => failure(client.changes(which)))
      assert.strictEqual(cut?.reason, "CONNECTION_LOST")
      assert.strictEqual(heard.length - before, 4)
    })
  )

  it.scopedLive("take another token when theirs expires", () =>
    Effect.gen(function* () {
      const expired = problem("NotAuthenticated", { reason: "TOKEN_REFUSED" })
      const { url } = yield* open(({ headers }, response) =>
        headers.authorization === "Bearer t1"
          ? begin(response, change(1), `event: error\ndata: ${JSON.stringify(expired)}\n\n`)
          : begin(response, change(2), "event: end\ndata: {}\n\n")
      )
      let asked = 0
      const client = connect({ url, token: () => `t${++asked}`, retry })
      assert.deepStrictEqual(yield* Effect.promise(() => collect(client.changes(which))), [1, 2])
    })
  )

  it.scopedLive("end at once when the signal fires or the reader leaves, also while nothing comes", () =>
    Effect.gen(function* () {
      let closed = 0
      const { url } = yield* open((_, response) => {
        response.on("close", () => (closed += 1))
        begin(response, change(1))
      })
      const client = connect({ url, token: "t", retry })
      const leaving = new AbortController()
      const versions = collect(client.changes(which, { signal: leaving.signal }))
      yield* Effect.sleep(200)
      leaving.abort()
      assert.deepStrictEqual(yield* Effect.promise(() => versions), [1])
      const iterator = client.changes(which)[Symbol.asyncIterator]()
      yield* Effect.promise(() => iterator.next())
      const waiting = iterator.next()
      yield* Effect.promise(() => iterator.return!())
      assert.isTrue((yield* Effect.promise(() => waiting)).done)
      yield* Effect.repeat(Effect.sleep(20), { until: () => closed === 2 })
    })
  )

  it.scopedLive("are read from the history where fetch cannot stream", () =>
    Effect.gen(function* () {
      const { heard, url } = yield* open(({ path }, response, index) => {
        if (path.includes("/events")) return begin(response, change(1))
        if (!path.includes("/history")) return json(response, 200, session({ version: 2, isArchived: index > 6 }))
        return json(response, 200, { entries: path.includes("afterVersion=0") ? [entry(1), entry(2)] : [] })
      })
      const withoutStreams: typeof fetch = async (request, init) => {
        const response = await fetch(request, init)
        return String(request).includes("/events")
          ? ({ status: 200, headers: response.headers, body: null } as unknown as Response)
          : response
      }
      const client = connect({ url, token: "t", retry, fetch: withoutStreams, follow: { pollMillis: 5 } })
      assert.deepStrictEqual(yield* Effect.promise(() => collect(client.changes(which))), [1, 2])
      assert.strictEqual(heard.filter(({ path }) => path.includes("/events")).length, 1)
    })
  )
})
