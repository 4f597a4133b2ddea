/**
 * RawClient: sends raw bytes to a server and parses the answers as far as the checks need. It can send what no HTTP
 * library would send.
 */
import { connect } from "node:net"
import { Effect, type Scope } from "effect"

/** One answer. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The answers, and how the exchange ended. */
export interface Exchange {
  readonly answers: ReadonlyArray<Answer>
  /** Bytes after the last whole answer. */
  readonly rest: string
  /** `closed`: the server ended the connection; `late`: it did neither that nor give `answers` in time. */
  readonly end: "enough" | "closed" | "late"
}

/**
 * Sends pieces of bytes, one after the other, and reads until `enough` answers came, the server closes, or it is late.
 */
export const send = (
  port: number,
  pieces: ReadonlyArray<Buffer>,
  enough: number,
  lateMillis: number
): Effect.Effect<Exchange> =>
  Effect.async<Exchange>((resume) => {
    const socket = connect(port, "127.0.0.1")
    const chunks: Array<Buffer> = []
    const finish = (end: Exchange["end"]): void => {
      socket.destroy()
      resume(Effect.succeed({ ...parse(Buffer.concat(chunks).toString("latin1")), end }))
    }
    socket.setTimeout(lateMillis, () => finish("late"))
    socket.on("data", (chunk) => {
      chunks.push(chunk)
      if (parse(Buffer.concat(chunks).toString("latin1")).answers.length >= enough) finish("enough")
    })
    socket.on("error", () => {})
    socket.on("close", () => finish("closed"))
    for (const piece of pieces) socket.write(piece)
  })

/** A valid request as bytes, with a token and an optional JSON body. */
export const request = (method: string, path: string, token: string, body?: object): Buffer => {
  const text = body === undefined ? "" : JSON.stringify(body)
  const head = [
    `${method} ${path} HTTP/1.1`,
    "host: a",
    `authorization: Bearer ${token}`,
    ...(body === undefined ? [] : ["content-type: application/json", `content-length: ${Buffer.byteLength(text)}`])
  ]
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n${text}`)
}

/** A persistent connection. */
export interface Line {
  /** Sends one whole request and waits for its answer; null when the connection ends instead. */
  readonly ask: (request: Buffer) => Effect.Effect<Answer | null>
}

/** Connects; the connection ends with the scope. Reconnects if the server closed it. */
export const open = (port: number): Effect.Effect<Line, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => ({ socket: connect(port, "127.0.0.1") })),
      (held) => Effect.sync(() => held.socket.destroy())
    ),
    (held) => ({
      ask: (request) =>
        Effect.async((resume) => {
          if (held.socket.destroyed || held.socket.readableEnded) held.socket = connect(port, "127.0.0.1")
          const { socket } = held
          let text = ""
          const finish = (answer: Answer | null): void => {
            socket.removeAllListeners("data").removeAllListeners("close").removeAllListeners("error")
            socket.on("error", () => {})
            if (answer === null || answer.headers.connection === "close") socket.destroy()
            resume(Effect.succeed(answer))
          }
          socket.on("data", (chunk) => {
            text += chunk.toString("latin1")
            const [answer] = parse(text).answers
            if (answer !== undefined) finish(answer)
          })
          socket.on("error", () => finish(null))
          socket.on("close", () => finish(null))
          socket.write(request)
        })
    })
  )

/** Parses a stream of answers. */
export const parse = (text: string): Pick<Exchange, "answers" | "rest"> => {
  const answers: Array<Answer> = []
  let rest = text
  for (;;) {
    const end = rest.indexOf("\r\n\r\n")
    if (end < 0) return { answers, rest }
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n")
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()])
    )
    const status = Number(first.split(" ")[1])
    const after = rest.slice(end + 4)
    const body = status === 100 || status === 204 ? { text: "", length: 0 } : bodyOf(headers, after)
    if (body === null) return { answers, rest }
    if (status !== 100) answers.push({ status, headers, body: body.text })
    rest = after.slice(body.length)
  }
}

const bodyOf = (headers: Readonly<Record<string, string>>, after: string) => {
  // An answer to HEAD names a length and has no body: what follows is the next answer.
  if (after.startsWith("HTTP/1.1 ")) return { text: "", length: 0 }
  if (headers["transfer-encoding"] === "chunked") {
    // Streams of events: their head is the answer.
    return { text: after, length: after.length }
  }
  const length = Number(headers["content-length"] ?? 0)
  return after.length < length ? null : { text: after.slice(0, length), length }
}
