/**
 * StandardActions: the vendor's action format under `/services/data`, any version segment.
 *
 * Inputs of one call run concurrently for different sessions, and in array order for the same session (or cart). Each
 * succeeds or fails on its own. The service gets every input unchanged, except `data`, which actions do not support.
 * Source: CONTRACT §5.
 */
import type { Caller, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { CheckoutSession, MergePatch } from "@onelane/checkout"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as AdapterError from "../contract/AdapterError.js"
import * as WireError from "../contract/WireError.js"
import type { HttpLimits } from "../core/HttpLimits.js"
import * as WireAnswer from "../core/WireAnswer.js"
import * as WireRequest from "../core/WireRequest.js"
import * as StandardDescribe from "./StandardDescribe.js"
import type { Call, WireFormat, Work } from "./WireFormat.js"

type Sessions = CheckoutSessions.CheckoutSessionsShape

/** The result of a successful input. */
interface Done {
  readonly requestId: string
  readonly replayed?: boolean
  readonly session: CheckoutSession.CheckoutSession | null
}

/** One action. `orderedBy`: the input by which calls are kept in order. */
interface Action {
  readonly orderedBy: "checkoutSessionId" | "cartId"
  readonly call: (
    sessions: Sessions,
    caller: Caller.Caller,
    input: never
  ) => Effect.Effect<Done, CheckoutError.CheckoutError>
}

const update: Action = { orderedBy: "checkoutSessionId", call: (to, caller, input) => to.update(caller, input) }

const actions: { readonly [N in StandardDescribe.ActionName]: Action } = {
  updateCheckoutSessionAction: update,
  updateCheckoutSessionStateAction: update,
  checkoutSessionAction: { orderedBy: "cartId", call: (to, caller, input) => to.open(caller, input) },
  cancelCartAsyncOperation: { orderedBy: "cartId", call: (to, caller, input) => to.cancel(caller, input) }
}

type OnRefused = (error: CheckoutError.CheckoutError) => void

const root = "/services/data"
const routes = [
  WireRequest.route("versions", "GET", root),
  WireRequest.route("actions", "GET", `${root}/:version/actions`),
  WireRequest.route("list", "GET", `${root}/:version/actions/standard`),
  WireRequest.route("describe", "GET", `${root}/:version/actions/standard/:action`),
  WireRequest.route("invoke", "POST", `${root}/:version/actions/standard/:action`)
] as const

/**
 * Makes the format. `flow` is used for the description only: its states are the values of the pick lists. `onRefused`
 * is called for every failed input.
 */
export const make = (
  flow: StandardDescribe.States,
  { inputsMaxCount }: HttpLimits,
  onRefused: OnRefused = () => {}
): WireFormat => ({
  route: (request) => {
    const found = match(request)
    if (!("name" in found)) return found
    const { name, params } = found
    if (!exists(params)) return AdapterError.notFound
    return name === "invoke"
      ? {
          body: "required",
          // A call with more inputs is refused as a whole.
          inputsOf: ({ inputs }) => (Array.isArray(inputs) ? Math.min(inputs.length, inputsMaxCount) : 1),
          run: (call) => invoked(call, params.action as StandardDescribe.ActionName, inputsMaxCount, onRefused)
        }
      : {
          body: "none",
          run: ({ request }) =>
            Exit.succeed(WireAnswer.json(200, described(WireRequest.baseOf(request), name, params, flow)))
        }
  },
  refuse: (error) =>
    WireAnswer.json(
      WireError.statusOf(error),
      [{ message: error.message, errorCode: WireError.codeOf(error) }],
      AdapterError.is(error) ? error.headers : WireError.retryAfter(WireError.retryAfterMillisOf(error))
    )
})

const match = WireRequest.router(routes)

const exists = ({ action, version }: Readonly<Record<string, string>>): boolean =>
  (version === undefined || /^v\d{2,3}\.\d$/.test(version)) && (action === undefined || Object.hasOwn(actions, action))

const described = (
  mount: string,
  name: "versions" | "actions" | "list" | "describe",
  { action, version }: Readonly<Record<string, string>>,
  flow: StandardDescribe.States
): unknown => {
  const base = `${mount}${root}/${version}/actions`
  switch (name) {
    case "versions":
      return StandardDescribe.versions(mount)
    case "actions":
      return { standard: `${base}/standard` }
    case "list":
      return StandardDescribe.list(`${base}/standard`)
    case "describe":
      return StandardDescribe.describe(action as StandardDescribe.ActionName, flow)
  }
}

const invoked = (
  { body, caller, sessions }: Call,
  name: StandardDescribe.ActionName,
  inputsMaxCount: number,
  onRefused: OnRefused
): Work => {
  const inputs = inputsOf(body, inputsMaxCount)
  if (Either.isLeft(inputs)) return Exit.fail(inputs.left)
  const action = actions[name]
  if (action !== update || inputs.right.length > 1) {
    return Effect.map(invoke(sessions, caller, action, inputs.right), (outcomes) => answer(name, outcomes, onRefused))
  }
  return {
    input: inputs.right[0] as CheckoutSessions.UpdateInput,
    answer: (exit) => {
      if (Exit.isSuccess(exit)) return Exit.succeed(answer(name, [Either.right(exit.value)], onRefused))
      const { cause } = exit
      return Cause.isFailType(cause)
        ? Exit.succeed(answer(name, [Either.left(cause.error)], onRefused))
        : Effect.map(outcomeOf(exit), (outcome) => answer(name, [outcome], onRefused))
    }
  }
}

const inputsOf = (
  body: Readonly<Record<string, unknown>>,
  maxCount: number
): Either.Either<ReadonlyArray<unknown>, AdapterError.AdapterError> => {
  const { inputs, ...others } = body
  if (Object.keys(others).length > 0 || !Array.isArray(inputs) || inputs.length === 0) {
    return Either.left(AdapterError.malformedBody('The body must be {"inputs":[…]} with at least one input'))
  }
  return inputs.length > maxCount
    ? Either.left(AdapterError.limitExceeded(`A call takes at most ${maxCount} inputs`))
    : Either.right(inputs.some(hasData) ? inputs.map(withoutData) : inputs)
}

// The vendor's actions have no data.
const hasData = (input: unknown): input is object =>
  typeof input === "object" && input !== null && Object.hasOwn(input, "data")

const withoutData = (input: unknown): unknown => (hasData(input) ? { ...input, data: MergePatch.foreign } : input)

type Outcome = Either.Either<Done, CheckoutError.CheckoutError>

const outcomeOf = (call: Effect.Effect<Done, CheckoutError.CheckoutError>): Effect.Effect<Outcome> =>
  Effect.either(call).pipe(
    Effect.catchAllDefect((cause) =>
      Effect.as(Effect.logError("An action died", Cause.die(cause)), Either.left(WireError.defect("unknown")))
    )
  )

const invoke = (
  sessions: Sessions,
  caller: Caller.Caller,
  action: Action,
  inputs: ReadonlyArray<unknown>
): Effect.Effect<ReadonlyArray<Outcome>> => {
  const one = (input: unknown): Effect.Effect<Outcome> => outcomeOf(action.call(sessions, caller, input as never))
  if (inputs.length === 1) return Effect.map(one(inputs[0]), (outcome) => [outcome])
  const outcomes: Array<Outcome> = []
  const inOrder = (indexes: ReadonlyArray<number>) =>
    Effect.forEach(
      indexes,
      (index) =>
        Effect.map(one(inputs[index]), (outcome) => {
          outcomes[index] = outcome
        }),
      { discard: true }
    )
  return Effect.as(
    Effect.forEach(queuesOf(action, inputs), inOrder, { concurrency: "unbounded", discard: true }),
    outcomes
  )
}

/**
 * The indexes of the inputs, one list for each session (or cart) they name. An input that names none is a list of its
 * own.
 */
const queuesOf = (action: Action, inputs: ReadonlyArray<unknown>): Iterable<ReadonlyArray<number>> => {
  const queues = new Map<unknown, Array<number>>()
  for (const [index, input] of inputs.entries()) {
    const named =
      typeof input === "object" && input !== null ? (input as Record<string, unknown>)[action.orderedBy] : null
    const key = typeof named === "string" ? named : index
    const queue = queues.get(key)
    if (queue === undefined) queues.set(key, [index])
    else queue.push(index)
  }
  return queues.values()
}

const answer = (
  name: StandardDescribe.ActionName,
  outcomes: ReadonlyArray<Outcome>,
  onRefused: OnRefused
): WireAnswer.WireAnswer => {
  for (const outcome of outcomes) if (Either.isLeft(outcome)) onRefused(outcome.left)
  const { body, headers, status } = written(name, outcomes)
  return { status, headers, body, requestId: requestIdsOf(outcomes) }
}

const written = (name: StandardDescribe.ActionName, outcomes: ReadonlyArray<Outcome>): WireAnswer.WireAnswer => {
  const errors = outcomes.filter(Either.isLeft).map(({ left }) => left)
  const elements = outcomes.map((outcome) =>
    Either.isRight(outcome) ? succeeded(name, outcome.right) : failedElement(name, outcome.left)
  )
  if (errors.length === 0) {
    const replayed = outcomes.every((outcome) => Either.isRight(outcome) && outcome.right.replayed === true)
    return WireAnswer.json(200, elements, replayed ? { "idempotent-replayed": "true" } : {})
  }
  const statuses = new Set(errors.map((error) => WireError.statusOf(error)))
  const [status, ...others] = statuses
  const wait = Math.max(...errors.map((error) => WireError.retryAfterMillisOf(error) ?? 0))
  return WireAnswer.json(others.length === 0 ? status! : 400, elements, WireError.retryAfter(wait))
}

const requestIdsOf = (outcomes: ReadonlyArray<Outcome>): string =>
  outcomes.flatMap((outcome) => (Either.isRight(outcome) ? [outcome.right.requestId] : [])).join(" ")

// The element of an outcome, in the vendor's shape, plus `current` and, on failures, fields that a client can act on.

const succeeded = (actionName: StandardDescribe.ActionName, { requestId, session }: Done) => ({
  actionName,
  isSuccess: true,
  errors: null,
  outputValues: { requestId, checkoutSessionId: session === null ? null : session.id },
  invocationId: null,
  outcome: null,
  sortOrder: -1,
  version: 1,
  current: session === null ? null : CheckoutSession.currentOf(session)
})

/** The result element of a failed input. */
export const failedElement = (actionName: string, error: CheckoutError.CheckoutError) => {
  const statusCode = WireError.codeOf(error)
  const { message, reason, retryable, applied } = error
  const fields = "fields" in error ? error.fields : []
  return {
    actionName,
    isSuccess: false,
    errors: [{ statusCode, message, fields }],
    outputValues: null,
    invocationId: null,
    outcome: null,
    sortOrder: -1,
    version: 1,
    message,
    errorCode: statusCode,
    reason,
    retryable,
    applied,
    retryAfterMillis: WireError.retryAfterMillisOf(error) ?? null,
    current: "current" in error ? error.current : null,
    ...(error._tag === "SessionClosed" && { checkoutSessionId: error.checkoutSessionId, orderId: error.orderId })
  }
}
