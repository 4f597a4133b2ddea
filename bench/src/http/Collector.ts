/**
 * Collector: receives the exports of a traced server (OTLP over HTTP) in a process of its own, and counts the spans of
 * requests. It sends the url to its parent process first, and then the count on each request.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"

/** A running collector. */
export interface Collector {
  readonly url: string
  /** Spans of requests received so far. */
  readonly spans: () => Promise<number>
  readonly stop: () => void
}

/** Starts a collector. */
export const start = async (): Promise<Collector> => {
  const child = fork(fileURLToPath(import.meta.url), ["collect"])
  const [url] = (await once(child, "message")) as [string]
  return {
    url,
    spans: async () => {
      child.send("count")
      const [count] = (await once(child, "message")) as [number]
      return count
    },
    stop: () => child.disconnect()
  }
}

const mark = '"http.server POST"'

const collect = (): void => {
  let spans = 0
  const server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8")
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => {
      spans += text.split(mark).length - 1
      response.end("{}")
    })
  })
  server.listen(0, "127.0.0.1", () => process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  process.on("message", () => process.send!(spans))
  process.on("disconnect", () => process.exit(0))
}

if (process.send !== undefined && process.argv[2] === "collect") collect()
