/**
 * WebHandler: the core as a function from a web-standard `Request` to a `Response`, for hosts such as Hono, Next.js,
 * Deno and Bun. A request whose `signal` is aborted is withdrawn. With a `Mounting` it is one below a path, in the
 * host's own context.
 */
import * as AdapterError from "../contract/AdapterError.js"
import type { HttpCore } from "../core/HttpCore.js"
import type { Mounting } from "../core/Mounting.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"

/** Creates the handler. It never rejects. */
export const make =
  (core: HttpCore, mounting: Mounting | null = null) =>
  (request: Request): Promise<Response> =>
    new Promise((resolve) => {
      let leave = (): void => {}
      const gone = (): void => {
        leave()
        resolve(new Response(null, { status: clientClosed }))
      }
      request.signal.addEventListener("abort", gone)
      leave = core(fromWeb(request, mounting), (answer) => {
        request.signal.removeEventListener("abort", gone)
        // Some hosts cancel the body of a client that left, some abort its request.
        const { body } = answer
        if (WireAnswer.isPull(body)) request.signal.addEventListener("abort", () => body.leave(), { once: true })
        resolve(toWeb(answer, request.method === "HEAD"))
      })
      if (request.signal.aborted) gone()
    })

/** The status for a client that has disconnected. */
const clientClosed = 499

const fromWeb = (request: Request, mounting: Mounting | null): WireRequest.WireRequest => {
  const { path: whole, query } = WireRequest.splitTarget(request.url)
  const headers = Object.fromEntries(request.headers)
  const reading = (maxBytes: number, onBody: WireRequest.OnBody): void =>
    void textOf(request, maxBytes).then(onBody, () => onBody(AdapterError.bodyBroken))
  if (mounting === null) return { method: request.method, path: whole, query, headers, read: reading }
  const { base, path } = mounting.place("", whole)
  const mounted = { request, base, ...mounting.context() }
  const { run } = mounted
  return {
    method: request.method,
    path,
    query,
    headers,
    read: (maxBytes, onBody) => reading(maxBytes, (body) => run(() => onBody(body))),
    mounted
  }
}

const textOf = async ({ body, bodyUsed }: Request, maxBytes: number): Promise<string | AdapterError.AdapterError> => {
  if (bodyUsed || body?.locked) return AdapterError.bodyTaken
  if (body === null) return ""
  const reader = body.getReader()
  let bytes = 0
  const chunks: Array<Uint8Array> = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    bytes += read.value.length
    if (bytes > maxBytes) {
      await reader.cancel()
      return AdapterError.bodyTooLarge(maxBytes)
    }
    chunks.push(read.value)
  }
  return WireRequest.decoded(chunks)
}

const encoder = new TextEncoder()

const toWeb = ({ body, headers: told, status }: WireAnswer.WireAnswer, isHead: boolean): Response => {
  // The host manages its connections.
  const { connection: _, ...headers } = told
  if (WireAnswer.isPull(body)) {
    if (!isHead) return new Response(readable(body), { status, headers })
    body.leave()
    return new Response(null, { status, headers })
  }
  if (body.length === 0) return new Response(null, { status, headers })
  const bytes = typeof body === "string" ? encoder.encode(body) : body
  // Without a length the host would send the body in chunks.
  const all = { ...headers, "content-length": String(bytes.length) }
  return new Response(isHead ? null : bytes, { status, headers: all })
}

const readable = (body: WireAnswer.Pull): ReadableStream<Uint8Array> => {
  let isCancelled = false
  return new ReadableStream(
    {
      pull: (controller) =>
        new Promise((resolve) =>
          body.next((piece) => {
            resolve()
            if (isCancelled) return
            if (piece === null) controller.close()
            else controller.enqueue(encoder.encode(piece))
          })
        ),
      cancel: () => {
        isCancelled = true
        body.leave()
      }
    },
    // Nothing is read ahead: a buffered piece could not be checked again.
    { highWaterMark: 0 }
  )
}
