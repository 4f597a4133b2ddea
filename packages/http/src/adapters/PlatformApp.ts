/**
 * PlatformApp: the core as an `HttpApp` of `@effect/platform`, for any of its servers. An interrupted request is
 * withdrawn.
 */
import type * as HttpApp from "@effect/platform/HttpApp"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AdapterError from "../contract/AdapterError.js"
import * as HttpCore from "../core/HttpCore.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"

/**
 * Makes the app. The scope is that of a request, its stream included. The core traces requests itself: serve it with
 * `HttpMiddleware.withTracerDisabledWhen(() => true)` as `CheckoutServer.layer` does, or the platform's spans contain
 * every header and the query.
 */
export const make = (core: HttpCore.HttpCore): HttpApp.Default<never, Scope.Scope> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const wire = fromPlatform(request, yield* Effect.runtime<never>())
      const answer = yield* Effect.interruptible(HttpCore.ask(core, wire))
      const { body } = answer
      if (WireAnswer.isPull(body)) yield* Effect.addFinalizer(() => Effect.sync(() => body.leave()))
      return toPlatform(answer)
    })
  )

const fromPlatform = (
  request: HttpServerRequest.HttpServerRequest,
  runtime: Runtime.Runtime<never>
): WireRequest.WireRequest => ({
  method: request.method,
  ...WireRequest.splitTarget(request.url),
  headers: request.headers,
  read: (maxBytes, onBody) => {
    Runtime.runCallback(runtime)(textOf(request.stream, maxBytes), {
      onExit: (exit) => onBody(exit._tag === "Success" ? exit.value : AdapterError.bodyBroken)
    })
  }
})

/** Reads a body. Bytes over the limit are read and discarded, up to four times the limit. */
const textOf = <E>(body: Stream.Stream<Uint8Array, E>, maxBytes: number) => {
  const farMaxBytes = WireRequest.droppedTimes * maxBytes
  const chunks: Array<Uint8Array> = []
  return Effect.map(
    Stream.runFoldWhile(
      body,
      0,
      (bytes) => bytes <= farMaxBytes,
      (read, chunk) => {
        const bytes = read + chunk.length
        if (bytes <= maxBytes) chunks.push(chunk)
        return bytes
      }
    ),
    (bytes) => {
      if (bytes > farMaxBytes) return AdapterError.bodyFarTooLarge(maxBytes)
      return bytes > maxBytes ? AdapterError.bodyTooLarge(maxBytes) : WireRequest.decoded(chunks)
    }
  )
}

const toPlatform = ({ body, headers, status }: WireAnswer.WireAnswer): HttpServerResponse.HttpServerResponse => {
  const contentType = headers["content-type"] ?? "application/octet-stream"
  if (WireAnswer.isPull(body)) {
    const pieces = Stream.repeatEffectOption(
      Effect.async<string, Option.Option<never>>((resume) =>
        body.next((piece) => resume(piece === null ? Effect.fail(none) : Effect.succeed(piece)))
      )
    )
    return HttpServerResponse.stream(Stream.encodeText(pieces), { status, headers, contentType })
  }
  if (body.length === 0) return HttpServerResponse.empty({ status, headers })
  return typeof body === "string"
    ? HttpServerResponse.text(body, { status, headers, contentType })
    : HttpServerResponse.uint8Array(body, { status, headers, contentType })
}

const none = Option.none()
