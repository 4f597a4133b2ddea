/**
 * AdminFormat: the operations of `Admin` over HTTP: `POST /admin/v1/<operation>`, JSON in and out, for callers with
 * modify-all-data only. Refusals are problem details, in the order and words of the other formats.
 */
import { Access, type Caller, type CheckoutError, PlainText, Refusal, type Retention } from "@onelane/checkout"
import { AdapterError, WireAnswer, WireError, type WireFormat } from "@onelane/http"
import type { StoreBackup } from "@onelane/sql"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { Kept } from "../serve/Store.js"
import * as Admin from "./Admin.js"
import { Done, saysWhatItMustBe } from "./AdminInput.js"
import type { AdminFailure, Operation } from "./AdminOperation.js"

/** `applied`: whether a call without an answer may have been applied. */
const failure =
  (applied: "no" | "unknown") =>
  (failed: AdminFailure): CheckoutError.AccessError => {
    if (failed._tag === "UnknownEntry")
      return Refusal.invalidInput([`${failed.entry}Id`], `There is no such ${failed.entry}: ${failed.id}`)
    if (failed._tag === "BackupRefused") return backupRefused(failed)
    if (failed._tag !== "PortUnavailable") return failed
    const unavailable = Refusal.portUnavailable(failed)
    return failed.reason === "NOT_DURABLE" ? { ...unavailable, message: notDurable } : { ...unavailable, applied }
  }

const notDurable =
  "PostgreSQL would answer before this is on its disk: switch fsync and full_page_writes on. Nothing was written."

// A disk error is not the caller's fault; all others are.
const backupRefused = ({ message, reason }: StoreBackup.BackupRefused) =>
  ["DAMAGED", "DISK_FULL", "FILE_REPLACED", "READONLY", "IO"].includes(reason)
    ? { ...Refusal.portUnavailable({ _tag: "PortUnavailable", port: "backup", cause: message, reason }), message }
    : Refusal.invalidInput(["name"], `${message}.`)

const decodeInput = (schema: Schema.Schema<any, any>, body: Readonly<Record<string, unknown>>) => {
  // Null counts as missing, as everywhere.
  const said = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const long = Object.keys(said).find((name) => isLong(said[name]))
  if (isLong(Object.keys(said))) return Effect.fail(Refusal.invalidInput([], "The input has too many fields."))
  if (long !== undefined) return Effect.fail(invalid([[long, `a list of at most ${longestCount}`]]))
  // A schema without fields takes every object.
  if (schema === Done && Object.keys(said).length > 0)
    return Effect.fail(invalid(Object.keys(said).map((field) => [field, null])))
  return Effect.mapError(Schema.decodeUnknown(schema, { onExcessProperty: "error", errors: "all" })(said), (error) => {
    const issues = ParseResult.ArrayFormatter.formatErrorSync(error)
    const missing = [...new Set(issues.map(fieldOf))].filter((field) => !Object.hasOwn(said, field))
    return missing.length === 0 ? invalid(issues.flatMap(wrongOf)) : Refusal.requiredFieldMissing(missing)
  })
}

/** No valid input has more fields, or a field with more elements; a larger one is refused before it is parsed. */
const longestCount = 64

const isLong = (value: unknown): boolean => Array.isArray(value) && value.length > longestCount

/** A field, and what it must be; null: the field is unknown. */
type Wrong = readonly [field: string, mustBe: string | null]

const fieldOf = ({ path }: ParseResult.ArrayFormatterIssue): string => String(path[0] ?? "")

// An optional field has an issue for each form it may have; one of them says what it must be.
const wrongOf = (issue: ParseResult.ArrayFormatterIssue): ReadonlyArray<Wrong> => {
  if (issue._tag === "Unexpected") return [[fieldOf(issue), null]]
  return saysWhatItMustBe(issue.message) ? [[fieldOf(issue), issue.message]] : []
}

/** Most wrong fields that are named, and most characters of each. */
const shownNames = 5
const fieldMaxLength = 64

const invalid = (wrong: ReadonlyArray<Wrong>) => {
  const fields = [...new Map(wrong)]
    .slice(0, shownNames)
    .map(([field, what]) => [PlainText.cut(field, fieldMaxLength), what] as const)
  const faults = fields.map(([field, what]) =>
    what === null ? `${field} is not known here` : `${field} must be ${what}`
  )
  return Refusal.invalidInput(
    fields.map(([field]) => field),
    `${faults.join("; ")}.`
  )
}

/** `applied` of a failed operation: a read certainly changed nothing. */
const appliedBy = (name: Admin.Name): "no" | "unknown" => (Admin.isRead(name) ? "no" : "unknown")

const answer = (schema: Schema.Schema<any, any>, done: unknown): WireAnswer.WireAnswer =>
  WireAnswer.json(200, Schema.encodeSync(schema)(done))

/** Creates the format on a store. */
export const make = (kept: Context.Context<Kept | Retention.Retention>): WireFormat => ({
  route: ({ method, path }) => {
    const name = path.slice(Admin.prefix.length)
    if (!Object.hasOwn(Admin.operations, name)) return AdapterError.notFound
    if (method !== "POST") return AdapterError.methodNotAllowed(["POST"])
    return {
      body: "optional",
      run: ({ body, caller }) => Effect.provide(run(name as Admin.Name, caller, body), kept)
    }
  },
  refuse: (error) => WireError.problem(error)
})

const run = (name: Admin.Name, caller: Caller.Caller, body: Readonly<Record<string, unknown>>) =>
  Effect.gen(function* () {
    const access = yield* Access.Access
    const allowed = yield* Effect.mapError(access.mayInvoke(caller, "administer"), failure("no"))
    if (!allowed) return yield* Effect.fail(Refusal.actionNotPermitted)
    const { input, output, run } = Admin.operations[name] as Operation<any, any>
    const done = yield* Effect.mapError(run(yield* decodeInput(input, body), caller), failure(appliedBy(name)))
    return answer(output, done)
  })
