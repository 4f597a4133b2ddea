/**
 * Host: the same client with the calls for hosts that run tasks, and for operators: `@onelane/client/host`. A shopper's
 * browser does not need them, so they are not in its bundle.
 */
import * as Answers from "./Answers.js"
import type { WaitOptions } from "./Calls.js"
import type { CallError } from "./CheckoutError.js"
import {
  type CallOptions,
  type Client,
  type ClientOptions,
  type Connection,
  clientOf,
  connectionOf,
  id,
  reading,
  sessionPath,
  writing
} from "./Client.js"
import { segment } from "./Inputs.js"
import type * as S from "./Session.js"
import { flag, instant, list, object, oneOf, orNull, type Read, struct, text, whole } from "./Shape.js"
import type { Result } from "./Wire.js"

type Answer<A> = Promise<Result<A, CallError>>

/** Filters for a list: sessions that match all given members. Instants are epoch milliseconds. */
export interface SessionsInput {
  readonly state?: string | ReadonlyArray<string> | undefined
  readonly cartId?: string | undefined
  readonly archived?: boolean | undefined
  readonly claimed?: boolean | undefined
  readonly changedBefore?: number | undefined
  readonly changedAfter?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** 1 to 200. Default 100. */
  readonly limit?: number | undefined
}

/** A session in a list. */
export interface ListedSession {
  readonly checkoutSessionId: string
  readonly cartId: string
  readonly state: string
  readonly isArchived: boolean
  readonly closedBy: S.ClosedBy | null
  readonly operationId: string | null
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

/** A page of sessions. It may be short or empty: continue until `next` is null. */
export interface SessionsPage {
  readonly sessions: ReadonlyArray<ListedSession>
  readonly next: string | null
}

/** Filters for a list of claims. */
export interface ClaimsInput {
  readonly state?: string | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  /** Claimed sessions to read per page, 1 to 200. Default 100. */
  readonly limit?: number | undefined
}

/** An open claim, with what an external worker needs to do the work and to close the claim. */
export interface OpenOperation {
  readonly operationId: string
  readonly checkoutSessionId: string
  readonly cartId: string
  readonly state: string
  readonly nextState: string
  readonly workKey: string | null
  readonly orderId: string | null
  readonly version: number
  readonly updatedAt: number
  readonly data: S.JsonObject | null
}

/** A page of claims. It may be short or empty: continue until `next` is null. */
export interface ClaimsPage {
  readonly operations: ReadonlyArray<OpenOperation>
  readonly next: string | null
}

/** Checkout sessions, and their tasks. */
export interface HostClient<F = S.FlowTypes> extends Client<F> {
  /** Reports that external work has succeeded. */
  readonly completeTask: (input: S.CompleteTaskInput<F>, options?: WaitOptions) => Answer<S.Changed<F>>
  /** Reports that external work has failed for good. */
  readonly failTask: (input: S.FailTaskInput, options?: CallOptions) => Answer<S.Changed<F>>
  /** Releases a claim (for operators). */
  readonly releaseClaim: (input: S.ReleaseClaimInput, options?: CallOptions) => Answer<S.Changed<F>>
  /** Moves a stranded session (for operators). */
  readonly move: (input: S.MoveInput<F>, options?: CallOptions) => Answer<S.Changed<F>>
  /** Lists sessions, page by page. Changes may appear up to a second late. */
  readonly sessions: (input?: SessionsInput, options?: CallOptions) => Answer<SessionsPage>
  /** Lists the open claims, page by page. */
  readonly claims: (input?: ClaimsInput, options?: CallOptions) => Answer<ClaimsPage>
}

const sessionsPage: Read<SessionsPage> = struct({
  sessions: list(
    struct({
      checkoutSessionId: text,
      cartId: text,
      state: text,
      isArchived: flag,
      closedBy: orNull(oneOf("COMPLETED", "CANCELLED", "EXPIRED")),
      operationId: orNull(text),
      version: whole,
      createdAt: instant,
      updatedAt: instant
    })
  ),
  next: orNull(text)
})

const claimsPage: Read<ClaimsPage> = struct({
  operations: list(
    struct({
      operationId: text,
      checkoutSessionId: text,
      cartId: text,
      state: text,
      nextState: text,
      workKey: orNull(text),
      orderId: orNull(text),
      version: whole,
      updatedAt: instant,
      data: orNull(object as Read<S.JsonObject>)
    })
  ),
  next: orNull(text)
})

/**
 * Encodes the inputs of a list as a query. An empty list is sent as an empty text, which the server refuses as it would
 * refuse the list.
 */
const listQuery = (input: object): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === null) continue
    const isInstant = name.startsWith("changed") && Number.isSafeInteger(value) && value >= 0
    const values: ReadonlyArray<unknown> = Array.isArray(value) ? (value.length === 0 ? [""] : value) : [value]
    for (const one of values) search.append(name, isInstant ? new Date(value).toISOString() : String(one))
  }
  const query = search.toString()
  return query === "" ? "" : `?${query}`
}

/** Connects to a server as a host or an operator. Nothing is sent before the first call. */
export const connect = <F = S.FlowTypes>(options: ClientOptions): HostClient<F> => hostOf(connectionOf(options))

/** The calls of a host or an operator. */
export const hostOf = <F>(connection: Connection): HostClient<F> => {
  const read = reading(connection)
  const write = writing(connection)
  const ofOperation = (verb: string) => (input: object) =>
    `${sessionPath(input)}/operations/${segment(input, "operationId")}/${verb}`
  return {
    ...clientOf<F>(connection),
    completeTask: write(ofOperation("complete"), Answers.changed, true, id, "operationId"),
    failTask: write(ofOperation("fail"), Answers.changed, false, id, "operationId"),
    releaseClaim: write(ofOperation("release"), Answers.changed, false, id, "operationId"),
    move: write((input) => `${sessionPath(input)}/move`, Answers.changed, false, id),
    sessions: read((input) => `/v1/sessions${listQuery(input)}`, sessionsPage),
    claims: read((input) => `/v1/operations${listQuery(input)}`, claimsPage)
  } as HostClient<F>
}
