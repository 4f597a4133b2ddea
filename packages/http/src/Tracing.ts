/**
 * Tracing: a span for each call of the service, below the span of its request: what was called, on what, and what came of
 * it. Put in only where traces are wanted; otherwise nothing here runs. A refusal is an answer: its span has not failed.
 */
import type { CheckoutError, CheckoutSessions } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"

type Sessions = CheckoutSessions.CheckoutSessionsShape
type Call = (caller: never, input: object) => Effect.Effect<object, CheckoutError.CheckoutError>

/** Members of inputs and answers that a span shows; never more than an id may be long. */
const shown = ["checkoutSessionId", "cartId", "operationId", "requestId"] as const
const shownMaxLength = 255

const marksOf = (from: object): Record<string, string> => {
  const marks: Record<string, string> = {}
  for (const name of shown) {
    const value: unknown = (from as Readonly<Record<string, unknown>>)[name]
    if (typeof value === "string" && value.length <= shownMaxLength) marks[name] = value
  }
  return marks
}

const optionsOf = (input: object) => ({ attributes: marksOf(input), captureStackTrace: false })

const spanned =
  (name: string, call: Call): Call =>
  (caller, input) =>
    Effect.either(call(caller, input)).pipe(
      Effect.tap((answer) =>
        Effect.annotateCurrentSpan(
          Either.isRight(answer) ? marksOf(answer.right) : { refused: answer.left._tag, reason: answer.left.reason }
        )
      ),
      Effect.withSpan(name, optionsOf(input)),
      Effect.flatten
    )

/** The service, its calls traced. */
export const sessions = (behind: Sessions): Sessions => {
  const { changes, ...calls } = behind
  const traced = Object.entries(calls).map(([name, call]) => [name, spanned(`CheckoutSessions.${name}`, call as Call)])
  return {
    ...(Object.fromEntries(traced) as typeof calls),
    changes: (caller, input) => Stream.withSpan(changes(caller, input), "CheckoutSessions.changes", optionsOf(input))
  }
}
