/**
 * WireSession: the schemas of sessions, history and answers on the wire, used to write, read and document them.
 * Instants are ISO 8601 strings on the wire and epoch milliseconds in the process. Unknown members are ignored when
 * read.
 */
import type { CheckoutSession, CheckoutSessions, Json } from "@onelane/checkout"
import type * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { instantText } from "./InstantText.js"

/** `2026-01-31T12:00:00.000Z` ↔ epoch milliseconds. */
export const Instant: Schema.Schema<number, string> = Schema.transform(
  Schema.String.pipe(Schema.filter((text) => Number.isFinite(Date.parse(text)))).annotations({
    identifier: "Instant",
    description: "A UTC instant, ISO 8601",
    jsonSchema: { type: "string", format: "date-time" }
  }),
  Schema.Number,
  { strict: true, decode: (text) => Date.parse(text), encode: instantText }
)

/** A JSON object: the data of a session, or a merge patch. */
export const JsonObject: Schema.Schema<Json.JsonObject> = Schema.declare(
  (value): value is Json.JsonObject => typeof value === "object" && value !== null && !Array.isArray(value)
).annotations({
  identifier: "JsonObject",
  description: "Any JSON object",
  jsonSchema: { type: "object", additionalProperties: true },
  arbitrary: () => (fc) => fc.dictionary(fc.string(), fc.jsonValue()) as FastCheck.Arbitrary<Json.JsonObject>
})

const text = Schema.String
const textOrNull = Schema.NullOr(Schema.String)
const instantOrNull = Schema.NullOr(Instant)

const sessionFields = {
  id: text,
  cartId: text,
  storeId: text,
  accountId: text,
  ownerId: text,
  state: text,
  nextState: textOrNull,
  isProcessing: Schema.Boolean,
  isError: Schema.Boolean,
  isArchived: Schema.Boolean,
  closedBy: Schema.NullOr(Schema.Literal("COMPLETED", "CANCELLED", "EXPIRED")),
  operationId: textOrNull,
  workKey: textOrNull,
  orderId: textOrNull,
  version: Schema.Int,
  lastRequestId: textOrNull,
  createdAt: Instant,
  updatedAt: Instant,
  expiresAt: instantOrNull,
  data: Schema.NullOr(JsonObject)
}

/** A checkout session without its data, for lists. */
export const SessionSummary = Schema.Struct(sessionFields).omit("data").annotations({ identifier: "SessionSummary" })

/** A checkout session. */
export const Session = Schema.Struct(sessionFields).annotations({ identifier: "CheckoutSession" })

// Only instants are converted; every other field is written unchanged.
const writers: ReadonlyArray<readonly [name: string, write: ((value: any) => unknown) | null]> = Object.entries(
  sessionFields
).map(([name, field]) => {
  if (SchemaAST.typeAST(field.ast) === field.ast) return [name, null]
  if (field === Instant) return [name, instantText]
  const write = field === instantOrNull ? instantText : Schema.encodeSync(field as Schema.Schema<any>)
  return [name, (value) => (value === null ? null : write(value))]
})

/** Writes a session as its schema does, but without validation: the service returns only valid sessions. */
export const encodeSession = (session: CheckoutSession.CheckoutSession): typeof Session.Encoded => {
  const wire: Record<string, unknown> = {}
  for (let index = 0; index < writers.length; index++) {
    const [name, write] = writers[index]!
    const value = session[name as keyof CheckoutSession.CheckoutSession]
    wire[name] = write === null ? value : write(value)
  }
  return wire as typeof Session.Encoded
}

/** One committed change. */
export const HistoryEntry = Schema.Struct({
  version: Schema.Int,
  type: Schema.Literal(
    "Opened",
    "Updated",
    "Claimed",
    "TaskCompleted",
    "TaskFailed",
    "ClaimReleased",
    "OwnerChanged",
    "Cancelled",
    "Expired",
    "LateResult",
    "Migrated",
    "Moved"
  ),
  at: Instant,
  from: textOrNull,
  to: textOrNull,
  requestId: textOrNull,
  operationId: textOrNull,
  workKey: textOrNull,
  orderId: textOrNull,
  by: textOrNull,
  reason: textOrNull,
  cause: Schema.NullOr(Schema.Struct({ code: text, message: text })),
  cartChanged: Schema.Boolean,
  passedThrough: Schema.Array(text),
  followUp: Schema.NullOr(Schema.Struct({ operationId: text, workKey: text, nextState: text })),
  data: Schema.NullOr(JsonObject)
}).annotations({ identifier: "HistoryEntry" })

/** A page of history. */
export const History = Schema.Struct({ entries: Schema.Array(HistoryEntry) }).annotations({ identifier: "History" })

/** A session as lists show it. */
export const ListedSession = Schema.Struct({
  checkoutSessionId: text,
  cartId: text,
  state: text,
  isArchived: Schema.Boolean,
  closedBy: Schema.NullOr(Schema.Literal("COMPLETED", "CANCELLED", "EXPIRED")),
  operationId: textOrNull,
  version: Schema.Int,
  createdAt: Instant,
  updatedAt: Instant
}).annotations({ identifier: "ListedSession" })

const next = textOrNull.annotations({ description: "Where the next page begins (`after`); null at the end" })

/** A page of sessions. */
export const SessionsPage = Schema.Struct({ sessions: Schema.Array(ListedSession), next }).annotations({
  identifier: "SessionsPage"
})

/** A claim that is open. */
export const OpenOperation = Schema.Struct({
  operationId: text,
  checkoutSessionId: text,
  cartId: text,
  state: text,
  nextState: text,
  workKey: textOrNull,
  orderId: textOrNull,
  version: Schema.Int,
  updatedAt: Instant,
  data: Schema.NullOr(JsonObject)
}).annotations({ identifier: "OpenOperation" })

/** A page of claims. */
export const ClaimsPage = Schema.Struct({ operations: Schema.Array(OpenOperation), next }).annotations({
  identifier: "ClaimsPage"
})

const arrived = Schema.optional(
  Schema.Boolean.annotations({ description: "After `Prefer: wait`: whether no work of the session runs any more" })
)

/** Answer to open. */
export const Opened = Schema.Struct({
  requestId: text,
  created: Schema.Boolean,
  replayed: Schema.Boolean,
  session: Session,
  arrived
}).annotations({
  identifier: "Opened"
})

/** Answer to update. */
export const Updated = Schema.Struct({
  requestId: text,
  replayed: Schema.Boolean,
  session: Session,
  arrived
}).annotations({
  identifier: "Updated"
})

/** Answer to a find. */
export const Found = Schema.Struct({
  session: Schema.NullOr(Session),
  closed: Schema.NullOr(
    Schema.Struct({
      checkoutSessionId: text,
      closedBy: Schema.Literal("COMPLETED", "CANCELLED", "EXPIRED"),
      orderId: textOrNull,
      closedAt: instantOrNull
    })
  )
}).annotations({ identifier: "Found" })

/** Answer to cancel. */
export const Cancelled = Schema.Struct({
  requestId: text,
  replayed: Schema.Boolean,
  session: Schema.NullOr(Session)
}).annotations({
  identifier: "Cancelled"
})

/** Answer to complete, fail, release and move. */
export const Changed = Schema.Struct({ replayed: Schema.Boolean, session: Session, arrived }).annotations({
  identifier: "Changed"
})

// The wire has exactly the fields of the service: these lines fail to compile when the two differ.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never
const same: ReadonlyArray<true> = [
  true satisfies Same<typeof Session.Type, CheckoutSession.CheckoutSession>,
  true satisfies Same<typeof HistoryEntry.Type, CheckoutSession.HistoryEntry>,
  true satisfies Same<typeof Opened.Type, CheckoutSessions.Opened>,
  true satisfies Same<typeof Updated.Type, CheckoutSessions.Updated>,
  true satisfies Same<typeof Found.Type, CheckoutSessions.Found>,
  true satisfies Same<typeof SessionsPage.Type, CheckoutSessions.SessionsPage>,
  true satisfies Same<typeof ClaimsPage.Type, CheckoutSessions.ClaimsPage>,
  true satisfies Same<typeof Cancelled.Type, CheckoutSessions.Cancelled>,
  true satisfies Same<typeof Changed.Type, CheckoutSessions.Changed>
]
void same
