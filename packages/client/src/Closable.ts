/**
 * Closable: a host's client that can be closed: `@onelane/client/closable`. On close, waiting calls are answered as
 * accepted, iterations of changes throw a specific error, and later calls are not sent. The Promise API
 * (`Onelane.connect`) and the Effect API (`CheckoutClient`) of Node use it.
 */
import type { CallError } from "./CheckoutError.js"
import { type ClientOptions, connectionOf } from "./Client.js"
import { type HostClient, hostOf } from "./Host.js"
import { OnelaneError } from "./OnelaneError.js"
import { followed } from "./Time.js"
import * as Unsent from "./Unsent.js"
import type { Result } from "./Wire.js"

/** The errors after the client is closed. */
export interface Ends {
  /** The answer to a later call. */
  readonly draining: CallError
  /** The error that an iteration of changes throws. */
  readonly closed: () => Error
  /** The error that an iteration throws for an error of the server. Default: an `OnelaneError`. */
  readonly thrown?: ((error: CallError) => Error) | undefined
}

/** A client and its end. */
export interface Closable {
  readonly client: HostClient<any>
  /** The same client with another `fetch`. */
  readonly through: (fetch: typeof globalThis.fetch) => HostClient<any>
  readonly close: () => void
}

type Options = { readonly signal?: AbortSignal | undefined; readonly wait?: "screen" | undefined }

type Call = (input: any, options?: Options) => Promise<Result<any>>

/** Connects to a server. Nothing is sent before the first call. Throws a `TypeError` for invalid options. */
export const connect = (options: ClientOptions, ends: Ends): Closable => {
  const connection = connectionOf(options)
  const { calls } = connection
  const end = new End()
  const through = (fetch: typeof globalThis.fetch): HostClient<any> => {
    const wire = { ...calls.wire, fetch, lost: Unsent.lost }
    return ending(hostOf({ ...connection, calls: { ...calls, wire } }), connection.nextKey, end, ends)
  }
  return { client: through(calls.wire.fetch), through, close: () => end.close() }
}

/** Notifies waiting calls and iterations that the client is closed. */
class End {
  isClosed = false
  private readonly listeners = new Set<() => void>()

  listen(listener: () => void): () => void {
    if (this.isClosed) listener()
    else this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  close(): void {
    this.isClosed = true
    for (const listener of this.listeners) listener()
    this.listeners.clear()
  }
}

const ending = (host: HostClient<any>, nextKey: () => string, end: End, ends: Ends): HostClient<any> => {
  const draining = { ok: false, error: ends.draining } as const
  const waiting =
    (call: Call, take: (input: unknown) => unknown): Call =>
    (input, options) => {
      if (end.isClosed) return Promise.resolve(draining)
      return options?.wait === undefined ? call(input, options) : untilClosed(call, take(input), options, end)
    }
  const keyed = (input: unknown): unknown => {
    const { idempotencyKey, ...taken } = copyOf(Object(input))
    return { ...taken, idempotencyKey: idempotencyKey ?? nextKey() }
  }
  const once =
    (call: Call): Call =>
    (input, options) =>
      end.isClosed ? Promise.resolve(draining) : call(input, options)
  return {
    open: waiting(host.open, keyed),
    update: waiting(host.update, keyed),
    get: waiting(host.get, copyOf),
    find: once(host.find),
    cancel: once(host.cancel),
    history: once(host.history),
    completeTask: waiting(host.completeTask, keyed),
    failTask: once(host.failTask),
    releaseClaim: once(host.releaseClaim),
    move: once(host.move),
    sessions: once(host.sessions),
    claims: once(host.claims),
    changes: (input, options) => ({
      [Symbol.asyncIterator]: () => iterate(host, input, options?.signal, end, ends)
    })
  }
}

/** Copies lists and plain objects, so that a retry sends the same input. */
export const copyOf = <A>(value: A): A => {
  if (Array.isArray(value)) return Array.from(value, copyOf) as A
  if (typeof value !== "object" || value === null) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)])) as A
}

/**
 * Waits until a call is answered or the client is closed. On close, the call is sent once more, with the same key and
 * without a wait.
 */
const untilClosed = async (call: Call, input: unknown, options: Options, end: End): Promise<Result<any>> => {
  const { signal } = options
  const leaving = followed(signal)
  const forget = end.listen(leaving.abort)
  const result = await call(input, { ...options, signal: leaving.signal })
  forget()
  leaving.leave()
  const isLeft = !result.ok && result.error._tag === "Aborted" && end.isClosed && signal?.aborted !== true
  if (!isLeft) return result
  const now = await call(input, { signal })
  return now.ok && "session" in now.value
    ? { ok: true, value: { ...now.value, arrived: !now.value.session.isProcessing } }
    : now
}

const iterate = (
  host: HostClient<any>,
  input: Parameters<HostClient<any>["changes"]>[0],
  signal: AbortSignal | undefined,
  end: End,
  { closed, thrown }: Ends
): AsyncIterator<any> => {
  const leaving = followed(signal)
  const forget = end.listen(leaving.abort)
  const entries = host.changes(input, { signal: leaving.signal })[Symbol.asyncIterator]()
  let isOver = false
  const over = (): void => {
    isOver = true
    forget()
    leaving.leave()
  }
  return {
    next: async () => {
      try {
        const result = await entries.next()
        if (result.done !== true || isOver) return result
      } catch (error) {
        over()
        throw error instanceof OnelaneError && thrown !== undefined ? thrown(error.error) : error
      }
      over()
      if (end.isClosed && signal?.aborted !== true) throw closed()
      return { done: true, value: undefined }
    },
    return: () => {
      over()
      leaving.abort()
      return entries.return!()
    }
  }
}
