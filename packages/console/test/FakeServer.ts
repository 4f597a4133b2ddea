/**
 * FakeServer: the contract that the page uses, in memory and from figures of the test: for lists of a length, clusters and refusals that a
 * real server takes long to come to. What a real server says is tested on one (`Console.long.test.ts`).
 */
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { assets } from "../src/index.js"
import type { Attempt, Inspected, Listed, Ring, Stats } from "../src/page/Contract.js"

/** The policy that `onelane serve` gives the page. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** What the server has. Tests change it while it runs. */
export interface World {
  sessions: ReadonlyArray<Listed>
  inspected: Inspected | null
  history: ReadonlyArray<object>
  stats: Stats | null
  /** Calls by operation. */
  readonly calls: Record<string, number>
}

/** A fake server. */
export interface FakeServer {
  readonly url: string
  readonly world: World
  readonly close: () => Promise<void>
}

const at = (millis: number): string => new Date(millis).toISOString()

/** When everything in these worlds happens, epoch milliseconds. */
export const noon = Date.UTC(2026, 10, 30, 12)

/** So many sessions: every thousandth failed or stuck, the others wait. */
export const sessions = (count: number): ReadonlyArray<Listed> => {
  const each = (index: number): Listed => {
    const status = index < count / 1_000 ? (index % 2 === 0 ? "failed" : "stuck") : "waiting"
    const id = String(index).padStart(6, "0")
    return {
      checkoutSessionId: `cs_${id}`,
      cartId: `cart-${id}`,
      state: status === "failed" ? "Error" : status === "stuck" ? "Taxes" : "Delivery Method",
      status,
      closedBy: null,
      version: 1 + (index % 9),
      createdAt: at(noon - 3_600_000 - index),
      updatedAt: at(noon - 60_000 - index),
      operation:
        status === "stuck"
          ? { operationId: `op_${id}`, by: "ann", nextState: "Payment And Billing Address", deadlineAt: at(noon) }
          : null
    }
  }
  return Array.from({ length: count }, (_, index) => each(index))
}

const bodyOf = async (request: IncomingMessage): Promise<any> => {
  let text = ""
  for await (const piece of request) text += piece
  return text === "" ? {} : JSON.parse(text)
}

const list = ({ sessions }: World, input: any): object => {
  const found = sessions.filter(
    ({ cartId, checkoutSessionId, status }) =>
      (input.only === undefined || input.only === status || (input.only === "running" && status === "stuck")) &&
      (input.search === undefined || checkoutSessionId.startsWith(input.search) || cartId.startsWith(input.search))
  )
  const from = Number(input.after ?? 0)
  const page = found.slice(from, from + input.limit)
  const tag = `${from} ${page.map(({ version }) => version).join("")} ${found.length}`
  const next = from + input.limit < found.length ? String(from + input.limit) : null
  return { sessions: input.seen === tag ? null : page, next, tag, asOf: at(noon) }
}

const flow = {
  name: "b2b",
  version: 1,
  initial: "Start",
  states: ["Start", "Inventory", "Confirm Price", "Complete"],
  edges: { Start: ["Inventory"], Inventory: ["Confirm Price"], "Confirm Price": ["Complete"] },
  tasks: [],
  finals: ["Complete"],
  keepsData: true
}

const ofKind = (world: World, status: string): number => world.sessions.filter((each) => each.status === status).length

const operations: Readonly<Record<string, (world: World, input: any) => object | null>> = {
  "sessions.list": list,
  "sessions.counts": (world) => ({
    failed: ofKind(world, "failed"),
    stuck: ofKind(world, "stuck"),
    running: ofKind(world, "stuck"),
    live: Math.min(10_000, world.sessions.length),
    atMost: 10_000
  }),
  "sessions.inspect": ({ inspected }) => inspected,
  "engine.flow": () => flow,
  "engine.stats": ({ stats }) => stats
}

const answer = async (world: World, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const path = new URL(request.url ?? "/", "http://local").pathname
  const asset = assets.find((each) => `/console/${each.path === "index.html" ? "" : each.path}` === path)
  if (asset !== undefined) {
    response.writeHead(200, { "content-type": asset.type, "content-security-policy": policy })
    return void response.end(readFileSync(asset.file))
  }
  const json = (status: number, value: object): void => {
    response.writeHead(status, { "content-type": "application/json" })
    response.end(JSON.stringify(value))
  }
  if (request.headers.authorization !== "Bearer operator") return json(401, { _tag: "AdapterError", detail: "refused" })
  const operation = /^\/admin\/v1\/(.*)$/.exec(path)?.[1] ?? path.split("/").at(-1) ?? ""
  world.calls[operation] = (world.calls[operation] ?? 0) + 1
  const input = await bodyOf(request)
  if (operation === "history") {
    const after = Number(new URL(request.url ?? "/", "http://local").searchParams.get("afterVersion"))
    return json(200, { entries: world.history.filter((entry) => (entry as { version: number }).version > after) })
  }
  const found = operations[operation]?.(world, input) ?? null
  return found === null ? json(404, { _tag: "AdapterError", detail: "There is no such thing." }) : json(200, found)
}

/** Starts one. */
export const start = async (given: Partial<World> = {}): Promise<FakeServer> => {
  const world: World = { sessions: [], inspected: null, history: [], stats: null, calls: {}, ...given }
  const server = createServer((request, response) => void answer(world, request, response)).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
}

const entry = (
  version: number,
  type: string,
  from: string | null,
  to: string,
  by: string,
  more: object = {}
): object => ({
  ...{ version, type, from, to, by, at: at(noon + version * 1_000), requestId: `req_${version}`, operationId: null },
  ...{ workKey: null, orderId: null, reason: null, cause: null, cartChanged: false, passedThrough: [], followUp: null },
  ...{ data: null, ...more }
})

/** A history of everything: a race, work that failed, a late result, data. */
export const history = [
  entry(1, "Opened", null, "Start", "ann", { data: { coupon: "SPRING" } }),
  entry(2, "Updated", "Start", "Inventory", "ann", { data: { coupon: null, shipping: { method: "express" } } }),
  entry(3, "Claimed", "Inventory", "Confirm Price", "ann", { operationId: "op_1", workKey: "wk_1" }),
  entry(4, "TaskFailed", "Inventory", "Error", "host", {
    operationId: "op_1",
    cause: { code: "OUT_OF_STOCK", message: "Two of three are there" }
  }),
  entry(5, "LateResult", "Error", "Error", "host", { operationId: "op_1", orderId: "order-7" }),
  entry(6, "Moved", "Error", "Inventory", "operator", { reason: "The stock is corrected" }),
  entry(7, "Claimed", "Inventory", "Confirm Price", "bob", { operationId: "op_2", workKey: "wk_1" })
]

/** A refused attempt, so many milliseconds after a version. */
export const attempt = (version: number, millis: number, by: string, more: Partial<Attempt> = {}): Attempt => ({
  at: at(noon + version * 1_000 + millis),
  by,
  action: "update",
  tag: "ExpectedStateMismatch",
  reason: "STATE_MISMATCH",
  code: "INVALID_INPUT",
  message: "The session is in Inventory, not in Start.",
  expected: { state: "Start", version: null, operationId: null },
  next: "Inventory",
  current: { state: "Inventory", version, nextState: null, isProcessing: false, lastRequestId: `req_${version}` },
  node: "127.0.0.1:8080",
  ...more
})

/** What one node remembers. */
export const ring = (attempts: ReadonlyArray<Attempt>, node = "127.0.0.1:8080", dropped = 0): Ring => ({
  node,
  since: at(noon - 3_600_000),
  kept: 32,
  dropped,
  attempts
})

/** A session with work that runs, and refused attempts on two nodes of three. */
export const inspected: Inspected = {
  session: {
    ...{ id: "cs_000001", cartId: "cart-000001", storeId: "store-1", accountId: "acme", ownerId: "ann" },
    ...{ state: "Inventory", nextState: "Confirm Price", isProcessing: true, isError: false, isArchived: false },
    ...{ closedBy: null, operationId: "op_2", workKey: "wk_1", orderId: null, version: 7, lastRequestId: "req_7" },
    ...{ createdAt: at(noon), updatedAt: at(noon + 7_000), expiresAt: at(noon + 7_200_000) },
    data: { shipping: { method: "express" } }
  },
  operation: {
    ...{ operationId: "op_2", workKey: "wk_1", nextState: "Confirm Price", by: "bob", claimedAt: at(noon + 7_000) },
    ...{ deadlineAt: at(noon + 67_000), isOverdue: true, tries: 2, node: "127.0.0.1:8080" }
  },
  rings: [
    ring([
      attempt(2, 3, "bob"),
      attempt(2, 9, "cy"),
      attempt(7, 40, "ann", {
        tag: "SessionProcessing",
        reason: "ALREADY_IN_PROCESS",
        expected: { state: "Inventory", version: null, operationId: null },
        next: "Confirm Price"
      })
    ]),
    ring(
      [
        attempt(2, 500, "eve", {
          tag: "SessionInaccessible",
          reason: "INSUFFICIENT_ACCESS_OR_READONLY",
          message: "There is no such session, or you may not see it.",
          current: null
        })
      ],
      "127.0.0.1:8081",
      3
    )
  ],
  missing: ["127.0.0.1:8082"]
}

/** Counters of a node after so many seconds of the same traffic. */
export const stats = (seconds: number): Stats => ({
  ...{ node: "127.0.0.1:8080", release: "0.1.0", startedAt: at(noon), at: at(noon + seconds * 1_000) },
  ...{ accepted: 100 * seconds, refused: 60 * seconds, overloads: 0, conflicts: 0 },
  refusals: { ExpectedStateMismatch: 50 * seconds, SessionProcessing: 10 * seconds },
  commits: {
    ...{ count: 40 * seconds, entries: 100 * seconds, failures: 0, millis: 80 * seconds },
    sizes: { bounds: [1, 2, 4, 8], counts: [10 * seconds, 10 * seconds, 20 * seconds, 0, 0] },
    durations: { bounds: [0.5, 1, 2, 5], counts: [0, 20 * seconds, 19 * seconds, seconds, 0] }
  },
  http: { requests: 3, streams: 1, waits: 0 },
  ...{
    sessionsActive: 42,
    tasksRunning: 3,
    mailboxDepth: 0,
    clockOffsetMillis: 0,
    memoryBytes: 1e8,
    storeLogBytes: 1e6
  },
  attempts: { since: at(noon), sessions: 12, bytes: 20_480 },
  cluster: { nodes: 3, heldShards: 100, shards: 300 }
})
