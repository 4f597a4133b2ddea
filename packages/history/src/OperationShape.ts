/**
 * OperationShape: parses an operation from JSON and validates its members and their relations. A fault is one sentence
 * that names the member and repeats no value.
 */
import type { Action, Observation, Operation, Outcome } from "./History.js"
import { textOf } from "./SessionData.js"

type Members = Readonly<Record<string, unknown>>
type Rule = readonly [isValid: (value: unknown) => boolean, must: string]

/** Most levels of nesting in a patch or in data. */
const depthMax = 64
const actions: ReadonlySet<unknown> = new Set<Action>([
  "open",
  "update",
  "read",
  "cancel",
  "completeTask",
  "failTask",
  "releaseClaim",
  "move"
])
const outcomes: ReadonlySet<unknown> = new Set<Outcome>(["ok", "fail", "info"])

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown): boolean => typeof value === "string"
const isFlag = (value: unknown): boolean => typeof value === "boolean"
const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const name: Rule = [isText, "a text"]
const nameOrNull: Rule = [(value) => value === null || isText(value), "a text, or null"]
const whole: Rule = [isWhole, "a whole number from 0 on"]
const flag: Rule = [isFlag, "true or false"]
const instant: Rule = [Number.isFinite, "a number"]

const rules: { readonly [Name in keyof Required<Operation>]: Rule } = {
  process: whole,
  session: name,
  action: [(value) => actions.has(value), `one of ${[...actions].join(", ")}`],
  outcome: [(value) => outcomes.has(value), `one of ${[...outcomes].join(", ")}`],
  invoked: instant,
  returned: [(value) => value === null || Number.isFinite(value), "a number"],
  expected: name,
  next: name,
  expectedVersion: whole,
  patch: [() => true, ""],
  key: name,
  replayed: flag,
  requestId: name,
  late: flag,
  error: name,
  observed: [isObject, "an object"]
}

const observedRules: { readonly [Name in keyof Required<Observation>]: Rule } = {
  version: whole,
  state: nameOrNull,
  next: nameOrNull,
  archived: flag,
  requestId: nameOrNull,
  data: [(value) => value === null || isText(value), "JSON text, or null"]
}

const required = ["process", "session", "action", "outcome", "invoked"]

/** Returns which member of an object is invalid and why; null if all are valid. */
const memberFault = (value: Members, allowed: Readonly<Record<string, Rule>>, at: string): string | null => {
  for (const [member, given] of Object.entries(value)) {
    if (!Object.hasOwn(allowed, member)) {
      const shown = JSON.stringify(member.slice(0, 40))
      return `${at}${shown} is no member; there are ${Object.keys(allowed).join(", ")}`
    }
    const [isValid, must] = allowed[member]!
    if (!isValid(given)) return `${at}${member} must be ${must}`
  }
  return null
}

/** Returns which relation between members is violated; null if none. */
const relationFault = ({
  action,
  expected,
  invoked,
  key,
  next,
  outcome,
  replayed,
  returned
}: Members): string | null => {
  if (outcome !== "info" && typeof returned !== "number")
    return "returned is missing: only a call of outcome info has none"
  if (typeof returned === "number" && returned < (invoked as number)) return "returned must not be before invoked"
  // A refused call may be refused because of a missing member.
  if (outcome === "fail") return null
  if (action === "update" && (expected === undefined || next === undefined)) return "an update needs expected and next"
  if (action === "move" && next === undefined) return "a move needs next"
  return replayed === true && key === undefined ? "a replayed answer needs the key it was given for" : null
}

/** Whether a value is nested no deeper than allowed. Not recursive, because the value may be too deep for the stack. */
const isShallow = (value: unknown): boolean => {
  const nested = (each: unknown): each is object => typeof each === "object" && each !== null
  let level = [value].filter(nested)
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > depthMax) return false
    level = level.flatMap((each) => Object.values(each).filter(nested))
  }
  return true
}

const parsed = (text: string): { readonly value: unknown } | null => {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return null
  }
}

/** Data as the checker compares it; undefined if it is no JSON or nested too deep. */
const canonical = (data: string): string | undefined => {
  const read = parsed(data)
  return read === null || !isShallow(read.value) ? undefined : textOf(read.value)
}

/** Returns the operation of a line, or its fault as one sentence. */
export const parse = (text: string): Operation | string => {
  const read = parsed(text)
  if (read === null) return "the line is not JSON"
  const { value } = read
  if (!isObject(value)) return "the line must be a JSON object"
  const missing = required.find((member) => value[member] === undefined)
  if (missing !== undefined) return `${missing} is missing`
  const { observed } = value
  const fault =
    memberFault(value, rules, "") ??
    (observed === undefined ? null : memberFault(observed as Members, observedRules, "observed.")) ??
    relationFault(value)
  if (fault !== null) return fault
  if (!isShallow(value.patch)) return `patch is nested deeper than ${depthMax} levels`
  const operation = { ...value, returned: value.returned ?? Number.POSITIVE_INFINITY } as unknown as Operation
  const data = operation.observed?.data
  if (typeof data !== "string") return operation
  const told = canonical(data)
  if (told === undefined) return `observed.data must be JSON text, nested at most ${depthMax} levels deep`
  return { ...operation, observed: { ...operation.observed, data: told } }
}
