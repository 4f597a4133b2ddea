/**
 * Fake: an external service that fails like real ones: it is slow, gets a request twice, answers after the deadline or
 * never, or fails after the work is done. An idempotency key works as with a payment provider: the same request with
 * the same key is done once.
 *
 * Owns one call: when it is done, when it is answered, and how. Does not own the work itself (Payments, Stock, Taxes).
 */
import * as Processes from "../machine/Processes.js"

/** All behaviours of a call. */
export const behaviours = [
  /** Done, and answered soon. */
  "ok",
  /** Done late, and answered later. */
  "slow",
  /** Delivered twice, as a proxy may repeat a request with a key. */
  "twice",
  /** Done, and answered after every deadline. */
  "late",
  /** Done, and never answered. */
  "never",
  /** Done, and the connection breaks before the answer. */
  "lost",
  /** Not done; the answer is an error. */
  "down"
] as const

/** How a call behaves. */
export type Behaviour = (typeof behaviours)[number]

/** What the fakes need from the world. */
export interface Surface {
  readonly nowMillis: () => number
  readonly after: (millis: number, wake: () => void) => () => void
  /** Chooses the behaviour of the next call of a service. */
  readonly choose: (service: string) => Behaviour
  /** Milliseconds until a call is done, and from then to its answer. */
  readonly delays: (behaviour: Behaviour) => readonly [number, number]
  /** Writes a line of the timeline. */
  readonly note: (line: string) => void
}

/**
 * Why a call of a fake failed. `applied` is `"no"` only if nothing was done with the key, earlier tries included. A
 * service that is down cannot know that.
 */
export class FakeError extends Error {
  override readonly name = "FakeError"
  constructor(
    readonly code: "UNAVAILABLE" | "CONNECTION_LOST" | "KEY_REUSED" | "OUT_OF_STOCK" | "UNKNOWN_CHARGE",
    message: string,
    readonly final: boolean = false,
    readonly applied: "no" | "unknown" = "unknown"
  ) {
    super(message)
  }
}

/** The common fields of requests. */
export interface FakeRequest {
  /** The idempotency key: a task sends its `workKey`. */
  readonly key?: string | undefined
  /** Stops waiting for the answer; the request is still done. */
  readonly signal?: AbortSignal | undefined
}

/** One call that the service did. */
export interface FakeCall {
  readonly service: string
  readonly action: string
  readonly key: string | null
  readonly input: unknown
  /** When it was done, epoch milliseconds. */
  readonly at: number
  /** It was done before with the same key. */
  readonly replayed: boolean
}

/** A service. */
export interface Fake {
  readonly name: string
  /** Calls that were done, in order. */
  readonly calls: Array<FakeCall>
  readonly call: <A>(action: string, request: FakeRequest, input: unknown, work: () => A) => Promise<A>
}

interface Done {
  readonly input: string
  readonly answer: unknown
}

const doOnce = <A>(
  fake: { readonly name: string; readonly calls: Array<FakeCall>; readonly done: Map<string, Done> },
  { nowMillis, note }: Surface,
  action: string,
  key: string | null,
  input: unknown,
  work: () => A
): A => {
  const text = JSON.stringify(input ?? null)
  const before = key === null ? undefined : fake.done.get(`${action} ${key}`)
  if (before !== undefined && before.input !== text)
    throw new FakeError("KEY_REUSED", `${fake.name}: the key ${key} came with another request before`, true)
  const answer = before === undefined ? work() : (before.answer as A)
  if (key !== null && before === undefined) fake.done.set(`${action} ${key}`, { input: text, answer })
  fake.calls.push({ service: fake.name, action, key, input, at: nowMillis(), replayed: before !== undefined })
  note(`${fake.name}: ${action} ${text}${key === null ? "" : ` under ${key}`}${before === undefined ? "" : ", again"}`)
  return answer
}

/** Makes a service. */
export const make = (name: string, surface: Surface): Fake => {
  const self = { name, calls: [] as Array<FakeCall>, done: new Map<string, Done>() }
  const call = <A>(action: string, { key, signal }: FakeRequest, input: unknown, work: () => A): Promise<A> => {
    const process = Processes.current()
    // A dead process sends no requests and gets no answers.
    if (process?.isAlive === false) return new Promise(() => {})
    const chosen = surface.choose(name)
    const behaviour = chosen === "twice" && key === undefined ? "ok" : chosen
    const [untilDone, untilAnswer] = surface.delays(behaviour)
    return new Promise<A>((resolve, reject) => {
      const hear = (tell: () => void): void => {
        if (process?.isAlive !== false) tell()
      }
      const refuse = (cause: unknown): void => hear(() => reject(cause))
      const answer = (value: A): void => {
        if (behaviour === "never") return
        if (behaviour === "lost") return refuse(new FakeError("CONNECTION_LOST", `${name}: the connection broke`))
        hear(() => resolve(structuredClone(value)))
      }
      const reach = (): void => {
        if (behaviour === "down") {
          surface.note(`${name}: ${action} is refused, the service is down`)
          return refuse(new FakeError("UNAVAILABLE", `${name}: the service is down`))
        }
        try {
          const once = () => doOnce(self, surface, action, key ?? null, input, work)
          if (behaviour === "twice") once()
          const value = once()
          if (behaviour !== "ok") surface.note(`${name}: ${action} is answered ${told[behaviour]}`)
          later(surface, untilAnswer, () => answer(value))
        } catch (cause) {
          later(surface, untilAnswer, () => refuse(cause))
        }
      }
      signal?.addEventListener("abort", () => refuse(signal.reason), { once: true })
      later(surface, untilDone, reach)
    })
  }
  return { name, calls: self.calls, call }
}

const told: Record<Exclude<Behaviour, "ok" | "down">, string> = {
  slow: "slowly",
  twice: "twice",
  late: "after the deadline",
  never: "never",
  lost: "by a broken connection"
}

// Runs in the service, not in the calling process, so it continues after a crash.
const later = ({ after }: Surface, millis: number, wake: () => void): void =>
  void Processes.outside(() => (millis === 0 ? queueMicrotask(wake) : after(millis, wake)))
