/**
 * HotLane: updates from a listener of Node straight to the engine, without a fiber and without a platform's server.
 *
 * It takes only what is in order as far as the head tells: an update of a caller who is known at once, its length said and
 * within the limits. Everything else is left to the other way, untouched and uncounted. What it takes it reads, limits,
 * counts and answers with the parts of the other way: a lane's own `updating`, `refuse` and `settle`.
 *
 * A caller who hangs up withdraws its update, if its turn has not begun.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Caller, CheckoutEngine, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import type { AdapterError } from "./AdapterError.js"
import * as DoorMetrics from "./DoorMetrics.js"
import type * as GuardedLane from "./GuardedLane.js"
import type { HttpLimits } from "./HttpLimits.js"
import type { Updating } from "./Lane.js"
import type * as WireAnswer from "./WireAnswer.js"
import * as WireRequest from "./WireRequest.js"

/** Takes a request (true), or leaves it as it was (false). */
export type HotLane = (request: IncomingMessage, response: ServerResponse) => boolean

/** What it works with. */
export interface Parts extends GuardedLane.Parts {
  readonly lanes: ReadonlyArray<GuardedLane.GuardedLane>
  readonly limits: HttpLimits
  readonly updateNow: CheckoutEngine.CheckoutEngineShape["updateNow"]
  /** What answers carry besides. */
  readonly headersFor: (request: WireRequest.WireRequest) => Readonly<Record<string, string>>
  readonly runtime: Runtime.Runtime<never>
}

/** A request that was taken. */
interface Taken {
  readonly request: WireRequest.WireRequest
  readonly guarded: GuardedLane.GuardedLane
  readonly updating: Updating
  readonly caller: Caller.Caller
  readonly bodyBytes: number
}

type Served = Effect.Effect<WireAnswer.WireAnswer, AdapterError | CheckoutError.CheckoutError, Scope.Scope>

const isExit = Exit.isExit as <A, E>(effect: Effect.Effect<A, E, any>) => effect is Exit.Exit<A, E>

const unread: WireRequest.WireRequest["text"] = () => Effect.dieMessage("The body is read elsewhere")

/** Makes it. */
export const make = (parts: Parts): HotLane => {
  const take = takeWith(parts)
  return (incoming, response) => {
    const taken = take(incoming)
    if (taken === null) return false
    serve(parts, taken, incoming, response)
    return true
  }
}

/** What the head says; null, and nothing counted, when the request is not for this way. */
const takeWith =
  ({ admission, authentication, clock, lanes, limits }: Parts) =>
  ({ headers, method, url }: IncomingMessage): Taken | null => {
    const bodyBytes = Number(headers["content-length"])
    if (method !== "POST" || !(bodyBytes <= limits.bodyMaxBytes)) return null
    const { path, query } = WireRequest.splitTarget(url!)
    const request = { method, path, query, headers: headers as WireRequest.WireRequest["headers"], text: unread }
    for (const guarded of lanes) {
      const updating = guarded.lane.updating?.(request) ?? null
      if (updating === null) continue
      const token = WireRequest.bearerOf(request)
      const known = token === undefined ? null : authentication.authenticate(token)
      if (known === null || !isExit(known) || Exit.isFailure(known)) return null
      const caller = known.value
      if (!admission.take(1, bodyBytes)) return null
      if (admission.call(caller, clock.unsafeCurrentTimeMillis()) === null) {
        return { request, guarded, updating, caller, bodyBytes }
      }
      admission.give(1, bodyBytes)
      return null
    }
    return null
  }

const serve = (parts: Parts, taken: Taken, incoming: IncomingMessage, response: ServerResponse): void => {
  const { admission, clock, metrics, runtime, updateNow } = parts
  const { bodyBytes, caller, guarded, request, updating } = taken
  const beganNanos = clock.unsafeCurrentTimeNanos()
  const chunks: Array<Buffer> = []
  let isGone = false
  let isRead = false
  let withdraw: (() => boolean) | null = null

  const answer = (made: WireAnswer.WireAnswer): void => {
    admission.give(1, 0)
    if (isGone) return
    DoorMetrics.countAnswer(metrics, made.status, Number(clock.unsafeCurrentTimeNanos() - beganNanos) / 1_000_000)
    send(response, made, parts.headersFor(request))
  }
  const settle = (served: Served): void => {
    if (isExit(served)) {
      if (Exit.isSuccess(served)) return answer(served.value)
      if (Cause.isFailType(served.cause)) return answer(guarded.refuse(served.cause.error, request))
    }
    const fiber = Runtime.runFork(runtime)(Effect.scoped(guarded.settle(served, request)))
    withdraw = () => {
      fiber.unsafeInterruptAsFork(fiber.id())
      return false
    }
    fiber.addObserver((exit) => (Exit.isSuccess(exit) ? answer(exit.value) : admission.give(1, 0)))
  }
  const update = (input: CheckoutSessions.UpdateInput): void => {
    let exit: Parameters<Updating["answer"]>[0] | null = null
    let isLate = false
    withdraw = updateNow(caller, input, (answered) => {
      if (isLate) settle(updating.answer(answered))
      else exit = answered
    })
    isLate = true
    if (exit !== null) settle(updating.answer(exit))
  }

  incoming.on("data", (chunk: Buffer) => void chunks.push(chunk))
  incoming.on("end", () => {
    isRead = true
    admission.give(0, bodyBytes)
    const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString()
    const input = updating.inputOf(text)
    if (input === null) return settle(guarded.lane.serve(caller, { ...request, text: () => Effect.succeed(text) }))
    if (Either.isRight(input)) update(input.right)
    else answer(guarded.refuse(input.left, request))
  })
  response.on("close", () => {
    if (response.writableEnded) return
    isGone = true
    if (!isRead) admission.give(1, bodyBytes)
    else if (withdraw?.() === true) admission.give(1, 0)
  })
}

const send = (
  response: ServerResponse,
  { body, headers, status }: WireAnswer.WireAnswer,
  more: Readonly<Record<string, string>>
): void => {
  const text = body as string
  const bytes = Buffer.byteLength(text)
  const lines: Array<string> = []
  for (const name in headers) lines.push(name, headers[name]!)
  for (const name in more) lines.push(name, more[name]!)
  lines.push("content-length", String(bytes))
  response.writeHead(status, lines)
  // Text of single bytes is written as it is, without being looked at again.
  response.end(text, bytes === text.length ? "latin1" : "utf8")
}
