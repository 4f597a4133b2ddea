/**
 * SessionAdmin: the operations about sessions: the list, the counts by status, and everything about one session: its
 * running task and its refused calls.
 */
import { createHash } from "node:crypto"
import { type Attempts, type CheckoutSession, Ids, Refusal } from "@onelane/checkout"
import { WireError, WireSession } from "@onelane/http"
import { SessionList } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Count, Flag, Id, mustBe, textUpTo, whole } from "./AdminInput.js"
import { operation } from "./AdminOperation.js"
import * as Running from "./Running.js"

const Text = Schema.NullOr(Schema.String)
const At = Schema.NullOr(WireSession.Instant)
const { Instant } = WireSession

/** Most states of a list, and most characters of one. */
const statesMaxCount = 32
const stateMaxLength = 30

/** Most characters of a search, and of a cursor: a number, a cart and a session. */
const searchMaxLength = 128
const cursorMaxLength = 3 + Ids.opaqueIdMaxLength + 64

const StuckMillis = Schema.optionalWith(whole(1, 604_800_000), { default: () => 60_000 })

const oneOf = <L extends ReadonlyArray<string>>(...options: L) =>
  mustBe<L[number], L[number]>(
    `one of: ${options.join(", ")}`,
    Schema.Literal(...(options as ReadonlyArray<string>)) as never
  )

const Wanted = Schema.Struct({
  after: Schema.optionalWith(textUpTo(cursorMaxLength), { default: () => "" }),
  limit: Schema.optionalWith(whole(1, SessionList.pageSessions), { default: () => 100 }),
  archived: Schema.optionalWith(Flag, { default: () => false }),
  order: Schema.optionalWith(oneOf("id", "attention"), { default: () => "id" as const }),
  only: Schema.optional(oneOf("failed", "stuck", "running", "archived")),
  states: Schema.optional(
    mustBe(
      `a list of 1 to ${statesMaxCount} states, texts of at most ${stateMaxLength} characters`,
      Schema.Array(Schema.String.pipe(Schema.maxLength(stateMaxLength))).pipe(
        Schema.minItems(1),
        Schema.maxItems(statesMaxCount)
      )
    )
  ),
  cartId: Schema.optional(Id),
  search: Schema.optional(
    mustBe(
      `text of 1 to ${searchMaxLength} characters`,
      Schema.String.pipe(Schema.minLength(1), Schema.maxLength(searchMaxLength))
    )
  ),
  stuckMillis: StuckMillis,
  seen: Schema.optional(textUpTo(64))
})

const Claim = Schema.Struct({
  operationId: Schema.String,
  by: Text,
  claimedAt: At,
  nextState: Text,
  deadlineAt: At
})

const Listed = Schema.Struct({
  checkoutSessionId: Schema.String,
  cartId: Schema.String,
  state: Schema.String,
  status: Schema.Literal("failed", "stuck", "running", "waiting", "closed"),
  isArchived: Schema.Boolean,
  closedBy: WireSession.ListedSession.fields.closedBy,
  version: Schema.Int,
  createdAt: Instant,
  updatedAt: Instant,
  operation: Schema.NullOr(Claim)
})

const Page = Schema.Struct({
  /** Null: the page is unchanged since the caller's `seen`. */
  sessions: Schema.NullOr(Schema.Array(Listed)),
  next: Text,
  tag: Schema.String,
  asOf: Instant
})

/** The store's current time, as far as it is known here. */
const storeMillis = Effect.gen(function* () {
  const running = yield* Running.Running
  return (yield* Clock.currentTimeMillis) + (running === null ? 0 : running.metrics.clockOffsetMillis())
})

const list = operation(Wanted, Page, ({ seen, stuckMillis, ...said }) =>
  Effect.gen(function* () {
    const asOf = yield* storeMillis
    const wanted = {
      ...said,
      only: said.only ?? null,
      states: said.states === undefined ? null : [...new Set(said.states)],
      cartId: said.cartId ?? null,
      search: said.search ?? null,
      stuckBefore: asOf - stuckMillis
    }
    if (!SessionList.isCursor(wanted, said.after)) return yield* Effect.fail(oddCursor)
    const { next, sessions } = yield* (yield* SessionList.SessionList).page(wanted)
    const tag = tagOf({ sessions, next })
    return tag === seen ? { sessions: null, next: null, tag, asOf } : { sessions, next, tag, asOf }
  })
)

const oddCursor = Refusal.invalidInput(["after"], "after must be the next of a page with the same order and search.")

const tagOf = (page: unknown): string => createHash("sha1").update(JSON.stringify(page)).digest("hex").slice(0, 16)

const counts = operation(
  Schema.Struct({ stuckMillis: StuckMillis }),
  Schema.Struct({ failed: Count, stuck: Count, running: Count, live: Count, atMost: Count, asOf: Instant }),
  ({ stuckMillis }) =>
    Effect.gen(function* () {
      const asOf = yield* storeMillis
      const found = yield* (yield* SessionList.SessionList).counts(asOf - stuckMillis)
      return { ...found, atMost: SessionList.countedSessions, asOf }
    })
)

const Attempt = Schema.Struct({
  at: Instant,
  node: Schema.String,
  by: Text,
  action: Schema.Literal("update", "cancel", "completeTask", "failTask", "releaseClaim", "move"),
  tag: Schema.String,
  reason: Schema.String,
  code: Schema.String,
  message: Schema.String,
  expected: Schema.Struct({ state: Text, version: Schema.NullOr(Schema.Int), operationId: Text }),
  next: Text,
  current: Schema.Struct({
    state: Schema.String,
    version: Schema.Int,
    nextState: Text,
    isProcessing: Schema.Boolean,
    isArchived: Schema.Boolean,
    orderId: Text,
    lastRequestId: Text
  })
})

const Inspected = Schema.Struct({
  session: WireSession.Session,
  operation: Schema.NullOr(
    Schema.Struct({
      operationId: Schema.String,
      workKey: Text,
      nextState: Text,
      by: Text,
      claimedAt: At,
      deadlineAt: At,
      isOverdue: Schema.Boolean,
      /**
       * Attempts that its task has begun; 0: it waits, or the host does the work. Null: no node that answered runs it.
       */
      tries: Schema.NullOr(Count),
      node: Text
    })
  ),
  rings: Schema.Array(
    Schema.Struct({
      node: Schema.String,
      since: At,
      kept: Count,
      dropped: Count,
      attempts: Schema.Array(Attempt)
    })
  ),
  missing: Schema.Array(Schema.String),
  asOf: Instant
})

const inspect = operation(
  Schema.Struct({
    checkoutSessionId: mustBe(
      "1 to 64 letters, digits, dashes and underscores",
      Schema.String.pipe(Schema.pattern(Ids.idPattern))
    )
  }),
  Inspected,
  ({ checkoutSessionId }, caller) =>
    Effect.gen(function* () {
      const running = yield* Running.server
      // Checks the caller's rights; also, a removed session must show nothing.
      const session = yield* running.sessions.get(caller, { checkoutSessionId })
      const { found, missing } = yield* running.inspect(checkoutSessionId)
      const asOf = yield* storeMillis
      return {
        session,
        operation: yield* operationOf(session, found, asOf),
        rings: found.map(({ inspection, node }) => ringOf(node, inspection)),
        missing,
        asOf
      }
    })
)

type Found = ReadonlyArray<{ readonly node: string; readonly inspection: Attempts.Inspection }>

const operationOf = ({ id, operationId, workKey }: CheckoutSession.CheckoutSession, found: Found, asOf: number) =>
  Effect.gen(function* () {
    if (operationId === null) return null
    const claim = yield* (yield* SessionList.SessionList).claim(id, operationId)
    const here = found.find(({ inspection }) => inspection.running?.operationId === operationId)
    return {
      ...claim,
      workKey,
      isOverdue: claim.deadlineAt !== null && claim.deadlineAt < asOf,
      tries: here?.inspection.running?.tries ?? null,
      node: here?.node ?? null
    }
  })

const ringOf = (node: string, { attempts, dropped, since }: Attempts.Inspection) => ({
  node,
  since,
  kept: attempts.length,
  dropped,
  attempts: attempts.map((attempt) => attemptOf(node, attempt))
})

const attemptOf = (node: string, attempt: Attempts.Attempt): typeof Attempt.Type => {
  const { expectedState, expectedVersion, operationId, ...rest } = attempt
  const expected = { state: expectedState, version: expectedVersion, operationId }
  return { ...rest, node, expected, code: WireError.rows[attempt.tag].code }
}

/** The operations. */
export const operations = {
  "sessions.list": list,
  "sessions.counts": counts,
  "sessions.inspect": inspect
}
