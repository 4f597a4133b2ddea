/**
 * Adapter: how a race calls a checkout: the form of its requests, and the meaning of its answers. Write one for your
 * own checkout, and pass its file to `onelane race <url> --adapter ./mine.mjs`.
 *
 * Owns the types and the validation of an adapter. Does not own the scenarios (Scenarios), nor the verdict.
 */
import type { CheckOptions } from "@onelane/history"

/** One request of an adapter. It always goes to the host that is raced. */
export interface RaceRequest {
  readonly method: string
  /** Begins with a slash; it is appended to the URL of the race. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown
}

/** One answer. */
export interface RaceResponse {
  readonly status: number
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The body as JSON; undefined if it is not JSON. */
  readonly json: unknown
}

/** Sends a request to the raced host, within the limits of the run, with its token. Rejects if there is no answer. */
export type RaceHttp = (request: RaceRequest) => Promise<RaceResponse>

/** What an answer shows of the session. Omit what it does not show; never guess. */
export interface Seen {
  /** A number that increases with every change. With it the judge is faster and finds more. */
  readonly version?: number | undefined
  readonly state?: string | undefined
  /** The state that follows when the running work of the session succeeds; null: no work runs. */
  readonly next?: string | null | undefined
  /** Whether the session is closed for good. */
  readonly archived?: boolean | undefined
  /** The request that changed it last. */
  readonly requestId?: string | null | undefined
  /** The members named by `edits`, as texts. */
  readonly data?: Readonly<Record<string, string>> | undefined
}

/** The outcome of a call. */
export type Answer =
  /** Done. `replayed`: an earlier answer, repeated for its key; undefined if the checkout does not say. */
  | {
      readonly outcome: "accepted"
      readonly seen?: Seen | undefined
      readonly requestId?: string | undefined
      readonly replayed?: boolean | undefined
    }
  /**
   * Certainly not done. `error`: a tag; those of Onelane (`ExpectedStateMismatch`, `SessionProcessing`) are judged by
   * their meaning.
   */
  | { readonly outcome: "refused"; readonly error?: string | undefined; readonly seen?: Seen | undefined }
  /** Unknown: no answer, or an ambiguous one (500, 504). The call may have been applied, or may be applied later. */
  | { readonly outcome: "unknown"; readonly error?: string | undefined }

/** The answer to `create`; `session` identifies the session in all later calls. */
export type Created = Answer & { readonly session?: string | undefined }

/** The input of every call of an adapter. */
export interface AdapterCall {
  readonly http: RaceHttp
}

/** Creates a session. */
export interface CreateCall extends AdapterCall {
  /** A name that was not used before: for a cart, or as an idempotency key. */
  readonly name: string
}

/** Reads a session. */
export interface SessionCall extends AdapterCall {
  readonly session: string
}

/** Changes a session. */
export interface WriteCall extends SessionCall {
  /** The idempotency key; undefined for a call without one. */
  readonly key: string | undefined
}

/** Moves a session from the state that the caller expects to the next one, or edits it in its state. */
export interface UpdateCall extends WriteCall {
  readonly expected: string
  readonly next: string
  /** For an edit: members of `edits.members`, with new texts. */
  readonly patch?: Readonly<Record<string, string>> | undefined
}

/** Completes a session: by the buyer who returns from the payment page, or by the payment provider. */
export interface CompleteCall extends UpdateCall {
  readonly by: "redirect" | "webhook"
}

/** How a race calls a checkout. */
export interface Adapter {
  readonly name: string
  /** State of a new session. */
  readonly initial: string
  /** State to the states that may follow, the main path first. States without followers complete a session. */
  readonly transitions: Readonly<Record<string, ReadonlyArray<string>>>
  /**
   * What updates may edit without leaving a state, for checkouts whose updates name no state. Callers then edit, and do
   * not move.
   */
  readonly edits?: { readonly members: ReadonlyArray<string> } | undefined
  /**
   * Idempotency keys: `"none"` if they are not supported, `"required"` if a write without one is refused. Default:
   * `"optional"`.
   */
  readonly keys?: "none" | "optional" | "required" | undefined
  /** What sessions do by themselves: tasks, states that proceed, … Default: nothing. */
  readonly check?: CheckOptions | undefined
  /** The headers that carry the token. Default: `Authorization: Bearer …`. */
  readonly authorize?: ((token: string) => Readonly<Record<string, string>>) | undefined
  readonly create: (call: CreateCall) => Promise<Created>
  readonly read: (call: SessionCall) => Promise<Answer>
  readonly update: (call: UpdateCall) => Promise<Answer>
  /** Without it no scenario cancels. */
  readonly cancel?: ((call: WriteCall) => Promise<Answer>) | undefined
  /** Default: `update` to the state that completes the session. */
  readonly complete?: ((call: CompleteCall) => Promise<Answer>) | undefined
}

/** Adds the type to an adapter literal. */
export const defineAdapter = (adapter: Adapter): Adapter => adapter

type Members = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((each) => typeof each === "string")
const isFunction = (value: unknown): boolean => typeof value === "function"
const optionally = (isValid: (value: unknown) => boolean) => (value: unknown) => value === undefined || isValid(value)

const adapterRules: { readonly [Name in keyof Required<Adapter>]: readonly [(value: unknown) => boolean, string] } = {
  name: [(value) => typeof value === "string" && value !== "", "a text"],
  initial: [(value) => typeof value === "string", "a state"],
  transitions: [
    (value) => isObject(value) && Object.values(value).every(isTexts),
    "an object of states to lists of states"
  ],
  edits: [
    optionally((value) => isObject(value) && isTexts(value.members) && value.members.length > 0),
    "{ members: […] } with at least one name"
  ],
  keys: [
    optionally((value) => ["none", "optional", "required"].includes(value as string)),
    '"none", "optional" or "required"'
  ],
  check: [optionally(isObject), "an object"],
  authorize: [optionally(isFunction), "a function"],
  create: [isFunction, "a function"],
  read: [isFunction, "a function"],
  update: [isFunction, "a function"],
  cancel: [optionally(isFunction), "a function"],
  complete: [optionally(isFunction), "a function"]
}

/** Why a value is not an adapter, in one sentence; null if it is one. */
export const faultOf = (value: unknown): string | null => {
  if (!isObject(value))
    return "an adapter is an object: export default { name, initial, transitions, create, read, update }"
  for (const [member, [isValid, must]] of Object.entries(adapterRules)) {
    if (!isValid(value[member])) return `${member} must be ${must}`
  }
  const strange = Object.keys(value).find((member) => !Object.hasOwn(adapterRules, member))
  if (strange !== undefined) return `${strange} is nothing that an adapter has`
  const { edits, initial, transitions } = value as unknown as Adapter
  if (!Object.hasOwn(transitions, initial)) return "transitions must name the initial state"
  return wayOf(transitions, initial) === null && edits === undefined
    ? "the first followers, from the initial state on, must lead to a state without followers"
    : null
}

/** The main path: the states from the initial to the first that completes; null if it is a cycle. */
export const wayOf = (transitions: Adapter["transitions"], initial: string): ReadonlyArray<string> | null => {
  const way = [initial]
  for (let state = transitions[initial]?.[0]; state !== undefined; state = transitions[state]?.[0]) {
    if (way.includes(state)) return null
    way.push(state)
  }
  return way
}

const seenRules: { readonly [Name in keyof Required<Seen>]: (value: unknown) => boolean } = {
  version: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  state: (value) => typeof value === "string",
  next: (value) => value === null || typeof value === "string",
  archived: (value) => typeof value === "boolean",
  requestId: (value) => value === null || typeof value === "string",
  data: (value) => isObject(value) && Object.values(value).every((each) => typeof each === "string")
}

/** Why a value is not an answer, in one sentence; null if it is one. */
export const answerFault = (value: unknown): string | null => {
  if (!isObject(value)) return "the answer must be an object"
  const { error, outcome, replayed, requestId, seen, session } = value
  if (!["accepted", "refused", "unknown"].includes(outcome as string))
    return 'outcome must be "accepted", "refused" or "unknown"'
  if (session !== undefined && typeof session !== "string") return "session must be a text"
  if (error !== undefined && typeof error !== "string") return "error must be a text"
  if (requestId !== undefined && typeof requestId !== "string") return "requestId must be a text"
  if (replayed !== undefined && typeof replayed !== "boolean") return "replayed must be true or false"
  if (seen === undefined) return null
  if (!isObject(seen)) return "seen must be an object"
  for (const [member, told] of Object.entries(seen)) {
    if (!Object.hasOwn(seenRules, member)) return `seen.${member} is nothing that is judged`
    if (told !== undefined && !seenRules[member as keyof Seen](told)) return `seen.${member} has the wrong type`
  }
  return null
}
