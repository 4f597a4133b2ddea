/** A bare connection to a server: what it was told until it was closed, and how it ended. */
import { connect } from "node:net"
import { Effect } from "effect"

/** What a connection heard. `end`: in order, or by a reset or anything else that an operating system calls an error. */
export interface Heard {
  readonly text: string
  readonly end: string
  readonly millis: number
}

/** Dials, and writes; `heard` waits for the end. A client that does not read takes nothing from the system either. */
export const dial = (port: number, bytes: string | Buffer = "", { reads = true, halfOpen = false } = {}) => {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: halfOpen })
  const beganMillis = performance.now()
  let text = ""
  let end = "closed"
  const ended = new Promise<Heard>((resolve) => {
    socket.setEncoding("latin1")
    if (reads) socket.on("data", (chunk) => (text += chunk))
    else socket.pause()
    socket.on("error", (error: NodeJS.ErrnoException) => (end = error.code ?? "error"))
    socket.on("close", () => resolve({ text, end, millis: performance.now() - beganMillis }))
  })
  if (bytes.length > 0) socket.write(bytes)
  return {
    socket,
    text: () => text,
    heard: Effect.timeout(
      Effect.promise(() => ended),
      "20 seconds"
    )
  }
}

/** A request without a body. */
export const get = (path: string, ...headers: ReadonlyArray<string>) =>
  ["GET ", path, " HTTP/1.1\r\nHost: a\r\n", ...headers.map((line) => `${line}\r\n`), "\r\n"].join("")

/** The statuses of all answers in a text. */
export const statuses = (text: string): ReadonlyArray<number> =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) [A-Z]/g)].map(([, status]) => Number(status))

/** Milliseconds until a server says that it is alive, on a connection of its own. */
export const aliveMillis = (port: number) =>
  Effect.map(dial(port, get("/healthz", "Connection: close")).heard, ({ millis, text }) =>
    text.startsWith("HTTP/1.1 200 ") ? millis : Number.POSITIVE_INFINITY
  )
