/**
 * Readers: a process that keeps many event streams open and checks each event: the versions of a stream arrive in
 * order, without gap or repetition. It uses Node's sockets and searches for `id:` lines, so that reading costs little.
 */
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { percentile } from "../Sample.js"
import { pathOf, token } from "./Servers.js"

/**
 * The input of the process: open so many streams, spread over the sessions; or report the arrivals since the last
 * report.
 */
export type Order =
  | { readonly port: number; readonly ids: ReadonlyArray<string>; readonly streams: number }
  | { readonly expected: number }

/** Its answer. `fault`: an incorrect stream. */
export interface Told {
  readonly opened: number
  readonly delivered: number
  /** Milliseconds from a change to its arrival. */
  readonly p50: number
  readonly p99: number
  readonly fault: string | null
}

interface Reader {
  readonly socket: Socket
  version: number
  rest: string
  isOpen: boolean
}

const readers: Array<Reader> = []
let delivered = 0
let opened = 0
let fault: string | null = null
let delays: Array<number> = []

const event = /^id: (\d+)\nevent: change\ndata: (.*)$/gm

const take = (reader: Reader, id: string, text: string): void => {
  const whole = reader.rest + text
  if (!reader.isOpen && whole.includes("\r\n\r\n")) {
    if (!whole.startsWith("HTTP/1.1 200")) fault ??= `${id} was answered ${whole.slice(0, 60)}`
    reader.isOpen = true
    opened += 1
  }
  const end = whole.lastIndexOf("\n\n")
  if (end < 0) {
    reader.rest = whole
    return
  }
  const nowMillis = Date.now()
  for (const [, version, body] of whole.slice(0, end).matchAll(event)) {
    if (Number(version) !== reader.version + 1) fault ??= `${id}: version ${version} after ${reader.version}`
    reader.version = Number(version)
    delivered += 1
    delays.push(nowMillis - Date.parse(JSON.parse(body!).at))
  }
  reader.rest = whole.slice(end + 2)
}

const open = (port: number, id: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    const reader: Reader = { socket, version: 1, rest: "", isOpen: false }
    readers.push(reader)
    socket.setEncoding("latin1")
    socket.on("error", reject)
    socket.on("close", () => {
      fault ??= `the stream of ${id} ended`
    })
    socket.on("data", (text: string) => {
      const wasOpen = reader.isOpen
      take(reader, id, text)
      if (!wasOpen && reader.isOpen) resolve()
    })
    socket.write(`GET ${pathOf(id)} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  })

const openAll = async (port: number, ids: ReadonlyArray<string>, streams: number): Promise<void> => {
  const together = 50
  for (let from = 0; from < streams; from += together) {
    const some = Array.from({ length: Math.min(together, streams - from) }, (_, index) => from + index)
    await Promise.all(some.map((index) => open(port, ids[index % ids.length]!)))
  }
}

const patienceMillis = 10_000

const arrived = async (expected: number): Promise<void> => {
  const beganMillis = performance.now()
  while (delivered < expected && performance.now() - beganMillis < patienceMillis) await sleep(5)
  if (delivered !== expected) fault ??= `${delivered} changes of ${expected} arrived`
}

const tell = (): void => {
  const sorted = Float64Array.from(delays).sort()
  process.send!({
    opened,
    delivered,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    fault
  } satisfies Told)
  delivered = 0
  delays = []
}

if (process.send !== undefined && process.argv[2] === "readers") {
  process.on("message", (order: Order) => {
    const done = "port" in order ? openAll(order.port, order.ids, order.streams) : arrived(order.expected)
    void done.catch((error) => (fault ??= String(error))).then(tell)
  })
  process.on("disconnect", () => process.exit(0))
}
