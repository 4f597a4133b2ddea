/**
 * TaskResult: validates the result of a host's work. A success is nothing or `{ orderId }`; anything else fails the task,
 * because a value such as `{ ok: false }` must not count as a success.
 *
 * Owns the shape of successes and failures. Does not own running the work (Task) or what follows (Tasks). Reads property
 * descriptors, so no host code runs, and never repeats the content of a value.
 */
import { cut } from "../session/PlainText.js"
import type { TaskFailure, TaskSuccess } from "./Task.js"

/** Longest operation id, order id, failure code and reason, characters. */
export const wordMaxLength = 255

/** Longest failure message, characters. */
export const messageMaxLength = 4_000

/** Returns the success in `value`, or a final `BAD_RESULT` failure with the type of the value. */
export const of = (value: unknown): Success | TaskFailure => {
  if (value === undefined || value === null) return { orderId: null }
  try {
    const fault = faultOf(value)
    return fault === null ? orderOf(value as TaskSuccess) : bad(fault)
  } catch {
    return bad(`${returned}an object that cannot be read${allowed}`)
  }
}

/** A validated success. */
export interface Success {
  readonly orderId: string | null
}

const returned = "The task returned "
const allowed = "; a task returns nothing, null or { orderId }."

const bad = (message: string): TaskFailure => ({ code: "BAD_RESULT", message, final: true })

const orderOf = ({ orderId = null }: { readonly orderId?: unknown }): Success | TaskFailure => {
  if (orderId === null) return { orderId }
  if (typeof orderId === "string" && orderId.length >= 1 && orderId.length <= wordMaxLength) return { orderId }
  return bad(`The order id of a task must be text of 1..${wordMaxLength} characters; it is ${typeOf(orderId)}.`)
}

/** Members reserved for a later release; returning them is an error. */
const reserved: ReadonlyArray<string> = ["data", "next"]

const faultOf = (value: unknown): string | null => {
  if (typeof value !== "object" || value === null || !isPlain(value)) return `${returned}${typeOf(value)}${allowed}`
  const names = Reflect.ownKeys(value)
  const early = reserved.filter((name) => names.includes(name))
  if (early.length > 0) return `${returned}${early.join(" and ")}, which this release does not know yet${allowed}`
  if (names.some((name) => name !== "orderId")) return `${returned}an object with other members than orderId${allowed}`
  if (names.some((name) => !("value" in Object.getOwnPropertyDescriptor(value, name)!)))
    return `${returned}an object whose orderId is a getter${allowed}`
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
