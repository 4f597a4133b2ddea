/**
 * Calls: sends and retries a call until `Outcome` decides that its answer is final, and waits for sessions across lost
 * answers and restarts.
 */
import { invalidInput, session } from "./Answers.js"
import type { CallError, CheckoutError } from "./CheckoutError.js"
import * as Inputs from "./Inputs.js"
import { OnelaneError } from "./OnelaneError.js"
import type { Call, Policy } from "./Outcome.js"
import * as Outcome from "./Outcome.js"
import type { Read } from "./Shape.js"
import { pause } from "./Time.js"
import * as Wire from "./Wire.js"

/** What calls work with. */
export interface Calls {
  readonly wire: Wire.Wire
  readonly policy: Policy
}

/** A call: the request, the parser of its answer, and whether it may be retried. */
export interface Plan<A> {
  readonly path: string
  readonly body: string | null
  readonly read: Read<A>
  readonly call: Call
}

/** How long to wait, and the caller's signal. */
export interface WaitOptions {
  /** Aborts the call. `Aborted` says whether it may have been applied. A waiting call only stops waiting. */
  readonly signal?: AbortSignal | undefined
  /** Answer when the session has no running work. */
  readonly wait?: "screen" | undefined
  /** Most milliseconds to wait, 1..60,000; default 10,000. */
  readonly waitMillis?: number | undefined
}

/** The same, for `get`. */
export interface WaitAfterOptions extends WaitOptions {
  /** Wait for the first state without running work after this version. */
  readonly afterVersion?: number | undefined
}

const longestMillis = 60_000
const defaultMillis = 10_000

const isWhole = (value: unknown, least: number, most: number): boolean =>
  value === undefined || (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)

/** How long a call waits, milliseconds; 0: not at all. Throws an `OnelaneError` for invalid options. */
export const waitOf = ({ signal: _, ...given }: WaitAfterOptions, mayFollow = false): number => {
  const { afterVersion, wait, waitMillis, ...others } = given
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (names.length === 0) return 0
  const odd = names.find((name) => name in others || (name === "afterVersion" && !mayFollow))
  const fault =
    odd ??
    (wait !== "screen"
      ? "wait"
      : !isWhole(waitMillis, 1, longestMillis)
        ? "waitMillis"
        : !isWhole(afterVersion, 0, Number.MAX_SAFE_INTEGER) && "afterVersion")
  if (fault)
    throw new OnelaneError(invalidInput([fault], `${fault} is not valid.`, fault === "wait" && (wait ?? null) === null))
  return waitMillis ?? defaultMillis
}

/** Sends a call, and retries it while that is safe and useful. */
export const repeat = async <A>(
  { policy, wire }: Calls,
  { body, call, path, read }: Plan<A>,
  signal: AbortSignal | undefined,
  leftMillis: () => number = () => 0
): Promise<Wire.Result<A>> => {
  const errors: Array<CheckoutError> = []
  const stopped = (applied: "no" | "unknown"): Wire.Result<A> => {
    const isUnknown = applied === "unknown" || errors.some((error) => error.applied === "unknown")
    return { ok: false, error: Wire.aborted(isUnknown ? "unknown" : "no") }
  }
  for (;;) {
    if (signal?.aborted === true) return stopped("no")
    const result = await Wire.send(wire, { path, body, waitMillis: leftMillis(), signal }, read)
    if (result.ok) return result
    if (result.error._tag === "Aborted") return stopped(result.error.applied)
    errors.push(result.error)
    const next = Outcome.next(call, policy, errors)
    if (next.step !== "wait") return { ok: false, error: next.error }
    await pause(next.pauseMillis(Math.random()), signal)
  }
}

const reading: Call = { repeatable: true }

/** Reads the resource at a path; a read may always be retried. */
export const read = <A>(
  calls: Calls,
  path: string,
  read: Read<A>,
  signal: AbortSignal | undefined,
  leftMillis?: () => number
): Promise<Wire.Result<A>> => repeat(calls, { path, body: null, read, call: reading }, signal, leftMillis)

interface Seen {
  readonly version: number
  readonly isProcessing: boolean
}

/** Reads a session until it has arrived, or the time is over. */
export const untilArrived = async (
  calls: Calls,
  path: string,
  afterVersion: number | undefined,
  signal: AbortSignal | undefined,
  leftMillis: () => number
): Promise<Wire.Result<any>> => {
  const isThere = ({ isProcessing, version }: Seen): boolean =>
    !isProcessing && (afterVersion === undefined || version > afterVersion)
  for (let looks = 1; ; looks++) {
    const waiting = leftMillis() === 0 ? "" : Inputs.query({ afterVersion })
    const result = await read(calls, path + waiting, session, signal, leftMillis)
    if (!result.ok || isThere(result.value) || leftMillis() === 0) return result
    // A server that does not support waiting answers at once.
    await pause(Math.min(leftMillis(), 50 * 2 ** Math.min(looks, 5)), signal)
  }
}

/** Returns a function for the remaining time of a wait, milliseconds. */
export const leftOf = (millis: number): (() => number) => {
  const endsAt = Date.now() + millis
  return () => Math.max(0, Math.min(millis, endsAt - Date.now()))
}

/** Sends a call that may wait. Once it is accepted, the result is never an error. */
export const waiting = async (
  calls: Calls,
  plan: Plan<any>,
  { signal }: WaitOptions,
  waitMillis: number,
  pathOf: (id: string) => string
): Promise<Wire.Result<any, CallError>> => {
  if (waitMillis === 0) return repeat(calls, plan, signal)
  const left = leftOf(waitMillis)
  const result = await repeat(calls, plan, signal, left)
  if (!result.ok) return result
  const accepted = result.value
  if (!accepted.session.isProcessing) return { ok: true, value: { ...accepted, arrived: true } }
  const asItIs = { ok: true, value: { ...accepted, arrived: false } } as const
  const { id, version } = accepted.session
  if (left() === 0) return asItIs
  const looked = await untilArrived(calls, pathOf(id), version, signal, left)
  if (!looked.ok) return asItIs
  return { ok: true, value: { ...accepted, session: looked.value, arrived: !looked.value.isProcessing } }
}
