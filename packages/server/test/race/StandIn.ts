/**
 * StandIn: a small checkout in memory, in the native format, that waits between its steps as one on a database does. It is
 * correct, or has one fault that real checkouts have. Built without anything of the product.
 */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout } from "node:timers"
import { Flow } from "@onelane/checkout"
import { PCGRandom } from "effect/Utils"
import type { Adapter, RaceHttp } from "../../src/race/Adapter.js"
import { native } from "../../src/race/NativeAdapter.js"

/** The faults. */
export const faults = [
  "read, then write",
  "a webhook that writes unprotected",
  "the answer before the commit",
  "reads from a cache",
  "a reader writes back what it read",
  "a retry wins again",
  "the idempotency key is the lock",
  "a failure is kept under its key",
  "cancel and complete both succeed",
  "the version is counted without protection",
  "a write comes back after its timeout",
  "an error shows a wrong current state",
  "an archived session still moves",
  "equal requests count as one",
  "readers see what is rolled back"
] as const

export type Fault = (typeof faults)[number]

export const flow = Flow.defineFlow({
  name: "stand-in",
  initial: "Cart",
  transitions: {
    Cart: ["Address", "Pickup"],
    Address: ["Delivery", "Payment"],
    Pickup: ["Payment"],
    Delivery: ["Payment"],
    Payment: ["Done"],
    Done: []
  }
})

/** The native format, and a route of its own for the webhook. */
export const adapter: Adapter = {
  ...native(flow as unknown as Flow.Flow),
  name: "stand-in",
  complete: (call) => {
    const http: RaceHttp = (request) =>
      call.http({ ...request, path: call.by === "webhook" ? request.path.replace(/update$/, "webhook") : request.path })
    return native(flow as unknown as Flow.Flow).update({ ...call, http })
  }
}

/** The same checkout for a client that is told no versions and no request ids. */
export const withoutVersions: Adapter = {
  ...adapter,
  name: "stand-in without versions",
  create: async (call) => strip(await adapter.create(call)),
  read: async (call) => strip(await adapter.read(call)),
  update: async (call) => strip(await adapter.update(call)),
  cancel: async (call) => strip(await adapter.cancel!(call)),
  complete: async (call) => strip(await adapter.complete!(call))
}

const strip = <A extends object>(answer: A): A => {
  const { requestId: _, seen, ...rest } = answer as { requestId?: string; seen?: object }
  const { requestId: __, version: ___, ...told } = (seen ?? {}) as { requestId?: string; version?: number }
  return { ...rest, ...(seen !== undefined && { seen: told }) } as A
}

interface Row {
  readonly id: string
  readonly state: string
  readonly version: number
  readonly isArchived: boolean
  readonly lastRequestId: string | null
}

interface Reply {
  readonly status: number
  readonly body: object
}

interface Input {
  readonly expCurrentState: string
  readonly nextState: string
  readonly idempotencyKey?: string
}

export interface StandIn {
  readonly http: RaceHttp
}

const shown = ({ id, isArchived, lastRequestId, state, version }: Row) => ({
  ...{ id, state, version, nextState: null, isArchived, lastRequestId }
})

const accepted = (row: Row, requestId: string): Reply => ({
  status: 200,
  body: { requestId, replayed: false, session: shown(row) }
})

const refused = (tag: string, current: Row, more: object = {}): Reply => ({
  status: 409,
  body: { _tag: tag, applied: "no", current: shown(current), ...more }
})

const unavailable: Reply = { status: 503, body: { _tag: "StorageUnavailable", applied: "no" } }

const replayed = ({ body, status }: Reply): Reply => ({ status, body: { ...body, replayed: true } })

const waysFrom = (state: string): ReadonlyArray<string> =>
  (flow.transitions as Record<string, ReadonlyArray<string>>)[state] ?? []

/** Rows that are read and committed with a wait in between, as on a database. */
class Rows {
  readonly rows = new Map<string, Row>()
  readonly random: PCGRandom
  private readonly queues = new Map<string, Promise<unknown>>()
  private requests = 0

  constructor(
    readonly fault: Fault | null,
    seed: number
  ) {
    this.random = new PCGRandom(seed)
  }

  has(name: Fault): boolean {
    return this.fault === name
  }

  chance(rate: number): boolean {
    return this.random.number() < rate
  }

  tick(most = 2): Promise<void> {
    return this.chance(0.5)
      ? new Promise((resolve) => setImmediate(resolve))
      : new Promise((resolve) => setTimeout(resolve, this.random.integer(most + 1)))
  }

  /** One after the other, for each name. */
  serial<A>(name: string, run: () => Promise<A>): Promise<A> {
    if (this.has("read, then write")) return run()
    const running = (this.queues.get(name) ?? Promise.resolve()).then(run, run)
    this.queues.set(name, running)
    return running
  }

  async committed(row: Row, state: string, isArchived: boolean): Promise<Reply> {
    const { rows } = this
    const requestId = `req_${++this.requests}`
    const next = { ...row, state, isArchived, version: row.version + 1, lastRequestId: requestId }
    if (this.has("the version is counted without protection")) {
      // The state goes first, the counter follows in a statement of its own.
      rows.set(row.id, { ...rows.get(row.id)!, state, isArchived, lastRequestId: requestId })
      const { version } = rows.get(row.id)!
      await this.tick()
      rows.set(row.id, { ...rows.get(row.id)!, version: version + 1 })
      return accepted({ ...next, version: version + 1 }, requestId)
    }
    if (this.has("the answer before the commit")) {
      setTimeout(() => rows.set(row.id, next), 1 + this.random.integer(6))
      return accepted(next, requestId)
    }
    if (this.has("readers see what is rolled back") && this.chance(0.3)) {
      rows.set(row.id, next)
      await this.tick(4)
      rows.set(row.id, row)
      return unavailable
    }
    await this.tick()
    rows.set(row.id, next)
    return accepted(next, requestId)
  }

  async decided(id: string, input: Input, isKnown: boolean): Promise<Reply> {
    const row = this.rows.get(id)!
    await this.tick()
    const { expCurrentState, nextState } = input
    if (row.isArchived && !this.has("an archived session still moves")) return refused("SessionClosed", row)
    if (row.state !== expCurrentState && !(isKnown && this.has("a retry wins again"))) {
      const told = this.has("an error shows a wrong current state") ? { ...row, state: nextState } : row
      return refused("ExpectedStateMismatch", told)
    }
    const allowed = waysFrom(expCurrentState)
    if (!allowed.includes(nextState)) return refused("TransitionNotAllowed", row, { allowed })
    if (this.has("a write comes back after its timeout") && this.chance(0.25)) {
      const late = () => this.rows.get(id)!.version === row.version && void this.committed(row, nextState, false)
      setTimeout(late, 3 + this.random.integer(8))
      return unavailable
    }
    return this.committed(row, nextState, nextState === "Done")
  }
}

/** The calls. */
class Calls extends Rows {
  private readonly cache = new Map<string, { readonly row: Row; readonly until: number }>()
  private readonly kept = new Map<string, { readonly text: string; readonly reply: Reply }>()
  private readonly bodies = new Map<string, Reply>()
  private sessions = 0

  async create(): Promise<Reply> {
    await this.tick()
    const row: Row = { id: `s${++this.sessions}`, state: "Cart", version: 1, isArchived: false, lastRequestId: null }
    this.rows.set(row.id, row)
    const requestId = `opened_${row.id}`
    return { status: 201, body: { requestId, created: true, replayed: false, session: shown(row) } }
  }

  async update(id: string, input: Input): Promise<Reply> {
    const { expCurrentState, idempotencyKey: key, nextState } = input
    const text = `${id} ${expCurrentState} ${nextState}`
    const equal = this.has("equal requests count as one") ? this.bodies.get(text) : undefined
    if (equal !== undefined) return replayed(equal)
    const name = this.has("the idempotency key is the lock") ? (key ?? id) : id
    return this.serial(name, async () => {
      const before = key === undefined ? undefined : this.kept.get(key)
      if (before !== undefined && !this.has("a retry wins again")) {
        if (before.text === text) return replayed(before.reply)
        return { status: 422, body: { _tag: "IdempotencyConflict", applied: "no" } }
      }
      const reply = await this.decided(id, input, before !== undefined)
      const isKept = reply.status === 200 || this.has("a failure is kept under its key")
      if (key !== undefined && isKept) this.kept.set(key, { text, reply })
      if (reply.status === 200) this.bodies.set(text, reply)
      return reply
    })
  }

  async webhook(id: string, input: Input): Promise<Reply> {
    if (!this.has("a webhook that writes unprotected")) return this.update(id, input)
    const { idempotencyKey: key } = input
    const before = key === undefined ? undefined : this.kept.get(key)
    if (before !== undefined) return replayed(before.reply)
    const row = this.rows.get(id)!
    await this.tick()
    const reply = await this.committed(row, input.nextState, true)
    if (key !== undefined) this.kept.set(key, { text: `${id} webhook`, reply })
    return reply
  }

  async cancel(id: string, { idempotencyKey: key }: Partial<Input>): Promise<Reply> {
    const looked = this.rows.get(id)!
    await this.tick()
    return this.serial(id, async () => {
      const before = key === undefined ? undefined : this.kept.get(key)
      if (before !== undefined) return replayed(before.reply)
      const row = this.rows.get(id)!
      await this.tick()
      const isClosed = this.has("cancel and complete both succeed") ? looked.isArchived : row.isArchived
      if (isClosed) return refused("SessionClosed", row)
      const reply = await this.committed(row, row.state, true)
      if (key !== undefined && reply.status === 200) this.kept.set(key, { text: `${id} cancel`, reply })
      return reply
    })
  }

  async read(id: string): Promise<Reply> {
    await this.tick()
    const row = this.rows.get(id)
    if (row === undefined) return { status: 400, body: { _tag: "SessionInaccessible", applied: "no" } }
    if (this.has("a reader writes back what it read") && this.chance(0.3)) {
      await this.tick()
      this.rows.set(id, row)
    }
    if (this.has("reads from a cache")) {
      const found = this.cache.get(id)
      if (found !== undefined && found.until > performance.now()) return { status: 200, body: shown(found.row) }
      this.cache.set(id, { row, until: performance.now() + 8 })
    }
    const body = shown(row)
    await this.tick()
    return { status: 200, body }
  }

  answer(method: string, path: string, input: unknown): Promise<Reply> {
    const [, id = "", action] = /^\/v1\/checkout-sessions(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? []
    if (method === "GET") return this.read(id)
    if (id === "") return this.create()
    const given = input as Input
    if (action === "cancel") return this.cancel(id, given)
    return action === "webhook" ? this.webhook(id, given) : this.update(id, given)
  }
}

/** A checkout, with a fault or without. */
export const make = (fault: Fault | null, seed: number): StandIn => {
  const calls = new Calls(fault, seed)
  return {
    http: async ({ body, method, path }) => {
      const reply = await calls.answer(method, path, body)
      const text = JSON.stringify(reply.body)
      return { status: reply.status, headers: {}, text, json: JSON.parse(text) }
    }
  }
}

/** The same over HTTP. */
export const serve = async (fault: Fault | null, seed: number) => {
  const standIn = make(fault, seed)
  const server = createServer(async (request, response) => {
    let text = ""
    for await (const piece of request) text += piece
    const body = text === "" ? {} : JSON.parse(text)
    const { status, text: answer } = await standIn.http({ method: request.method!, path: request.url!, body })
    response.writeHead(status, { "content-type": "application/json" }).end(answer)
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}
