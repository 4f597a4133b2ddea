/**
 * TaskResult: validates the result of a host's work. A success is nothing or `{ orderId, next }`; anything else fails the task,
 * because a value such as `{ ok: false }` must not count as a success.
 *
 * Owns the shape of successes and failures. Does not own running the work (Task) or what follows (Tasks). Reads property
 * descriptors, so no host code runs, and never repeats the content of a value.
 */
import { stateMaxLength } from "../session/CheckoutState.js"
import { cut } from "../session/PlainText.js"
import type { TaskFailure, TaskSuccess } from "./Task.js"

/** Longest operation id, order id, failure code and reason, characters. */
export const wordMaxLength = 255

/** Longest failure message, characters. */
export const messageMaxLength = 4_000

/** Returns the success in `value`, or a final `BAD_RESULT` failure with the type of the value. */
export const of = (value: unknown): Success | TaskFailure => {
  if (value === undefined || value === null) return { orderId: null, next: null }
  try {
    const fault = faultOf(value)
    return fault === null ? successOf(value as TaskSuccess) : bad(fault)
  } catch {
    return bad(`${returned}an object that cannot be read${allowed}`)
  }
}

/** A validated success. */
export interface Success {
  readonly orderId: string | null
  /** The state chosen by the task; null: the one it was claimed for. Whether it may follow is the session's to say. */
  readonly next: string | null
  /**
   * What is wrong with another member. The task fails with `BAD_RESULT`, but its order id is kept, because somebody may have
   * paid.
   */
  readonly fault?: string | undefined
}

/** The code of a failure for a result that is none. */
export const badResult = "BAD_RESULT"

const returned = "The task returned "
const allowed = "; a task returns nothing, null or { orderId, next }."

const bad = (message: string): TaskFailure => ({ code: badResult, message, final: true })

const successOf = (value: { readonly orderId?: unknown; readonly next?: unknown }): Success | TaskFailure => {
  const { orderId = null, next = null } = value
  if (orderId !== null && !isText(orderId, wordMaxLength))
    return bad(`The order id of a task must be text of 1..${wordMaxLength} characters; it is ${typeOf(orderId)}.`)
  if (next === null || isText(next, stateMaxLength)) return { orderId, next }
  const fault = `The next state of a task must be text of 1..${stateMaxLength} characters; it is ${typeOf(next)}.`
  return orderId === null ? bad(fault) : { orderId, next: null, fault }
}

const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === "string" && value.length >= 1 && value.length <= maxLength

const members: ReadonlyArray<string | symbol> = ["orderId", "next"]

/** Members reserved for a later release; returning them is an error. */
const reserved: ReadonlyArray<string> = ["data"]

const faultOf = (value: unknown): string | null => {
  if (typeof value !== "object" || value === null || !isPlain(value)) return `${returned}${typeOf(value)}${allowed}`
  const names = Reflect.ownKeys(value)
  const early = reserved.filter((name) => names.includes(name))
  if (early.length > 0) return `${returned}${early.join(" and ")}, which this release does not know yet${allowed}`
  if (names.some((name) => !members.includes(name)))
    return `${returned}an object with other members than ${members.join(" and ")}${allowed}`
  const getter = names.find((name) => !("value" in Object.getOwnPropertyDescriptor(value, name)!))
  if (getter !== undefined) return `${returned}an object whose ${String(getter)} is a getter${allowed}`
  // A Proxy looks like what it stands for, but cannot be cloned.
  structuredClone(value)
  return null
}

// An object literal, perhaps of another realm, or an object without a prototype.
const isPlain = (value: object): boolean => {
  if (Array.isArray(value)) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"))
}

const typeOf = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return value === null ? "null" : `a ${typeof value}`
  if (Array.isArray(value)) return "an array"
  const prototype: object | null = Object.getPrototypeOf(value)
  const maker: unknown = prototype === null ? null : Object.getOwnPropertyDescriptor(prototype, "constructor")?.value
  const name: unknown = typeof maker === "function" ? Object.getOwnPropertyDescriptor(maker, "name")?.value : undefined
  return typeof name === "string" && /^[A-Za-z_$][\w$]{0,39}$/.test(name) && name !== "Object"
    ? `an instance of ${name}`
    : "an object"
}

/**
 * Converts a rejection or an Effect's failure to a `TaskFailure` with bounded text. An `Error` with a `code` is one.
 */
export const failureOf = (thrown: unknown): Required<TaskFailure> => {
  try {
    const { applied, code, final, message } = Object(thrown) as Partial<TaskFailure>
    return {
      code: textOf(code, wordMaxLength) ?? "FAILED",
      message: textOf(message, messageMaxLength) ?? (isObject(thrown) ? "" : cut(String(thrown), messageMaxLength)),
      final: final === true,
      applied: applied === "no" ? "no" : "unknown"
    }
  } catch {
    return {
      code: "FAILED",
      message: "The task failed with something that cannot be read.",
      final: false,
      applied: "unknown"
    }
  }
}

const isObject = (value: unknown): boolean =>
  (typeof value === "object" && value !== null) || typeof value === "function"

const textOf = (value: unknown, maxLength: number): string | null =>
  typeof value === "string" && value.length >= 1 ? cut(value, maxLength) : null
