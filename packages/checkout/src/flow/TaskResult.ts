/**
 * TaskResult: validates the result of a host's work. A success is nothing or `{ orderId, next, data }`; anything else
 * fails the task, because a value such as `{ ok: false }` must not count as a success.
 *
 * Owns the shape of successes and failures. Does not own running the work (Task) or what follows (Tasks). Reads
 * property descriptors, so no host code runs, and never repeats the content of a value.
 */
import { isProxy } from "node:util/types"
import { stateMaxLength } from "../session/CheckoutState.js"
import { isPlain } from "../session/Json.js"
import * as MergePatch from "../session/MergePatch.js"
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

/**
 * A validated success. If `data` is no valid merge patch, its fault is kept instead, so that the session can still
 * record the order.
 */
export interface Success {
  readonly orderId: string | null
  /**
   * The state chosen by the task; null: the one it was claimed for. The session's rule checks whether it may follow.
   */
  readonly next: string | null
  /**
   * What is wrong with another member. The task fails with `BAD_RESULT`, but its order id is kept, because somebody may
   * have paid.
   */
  readonly fault?: string | undefined
  /** A merge patch for the session's data, or its fault. */
  readonly data?: MergePatch.Taken | undefined
}

/** The failure code for an invalid result. */
export const badResult = "BAD_RESULT"

const returned = "The task returned "
const allowed = "; a task returns nothing, null or { orderId, next, data }."

const bad = (message: string): TaskFailure => ({ code: badResult, message, final: true })

interface Unchecked {
  readonly orderId?: unknown
  readonly next?: unknown
  readonly data?: unknown
}

const successOf = ({ data, next = null, orderId = null }: Unchecked): Success | TaskFailure => {
  if (orderId !== null && !isText(orderId, wordMaxLength))
    return bad(`The order id of a task must be text of 1..${wordMaxLength} characters; it is ${typeOf(orderId)}.`)
  if (next === null || isText(next, stateMaxLength)) {
    const patch = MergePatch.take(data) ?? undefined
    return patch === undefined ? { orderId, next } : { orderId, next, data: patch }
  }
  const fault = `The next state of a task must be text of 1..${stateMaxLength} characters; it is ${typeOf(next)}.`
  return orderId === null ? bad(fault) : { orderId, next: null, fault }
}

const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === "string" && value.length >= 1 && value.length <= maxLength

const members: ReadonlyArray<string | symbol> = ["orderId", "next", "data"]

const faultOf = (value: unknown): string | null => {
  if (isProxy(value)) return `${returned}an object that cannot be read${allowed}`
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
  if (!isObject || !isPlain(value)) return `${returned}${typeOf(value)}${allowed}`
  const names = Reflect.ownKeys(value)
  if (names.some((name) => !members.includes(name)))
    return `${returned}an object with other members than orderId, next and data${allowed}`
  const getter = names.find((name) => !("value" in Object.getOwnPropertyDescriptor(value, name)!))
  if (getter !== undefined) return `${returned}an object whose ${String(getter)} is a getter${allowed}`
  return null
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

/** The failure code if the failure has none. */
export const noCode = "FAILED"

/**
 * Converts a rejection or an Effect's failure to a `TaskFailure` with bounded text. An `Error` with a `code` is one.
 */
export const failureOf = (thrown: unknown): Required<TaskFailure> => {
  try {
    const { applied, code, final, message } = Object(thrown) as Partial<TaskFailure>
    return {
      code: textOf(code, wordMaxLength) ?? noCode,
      message: textOf(message, messageMaxLength) ?? (isObject(thrown) ? "" : cut(String(thrown), messageMaxLength)),
      final: final === true,
      applied: applied === "no" ? "no" : "unknown"
    }
  } catch {
    return {
      code: noCode,
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
