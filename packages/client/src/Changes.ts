/**
 * Changes: follows a session. Each change is delivered once and in order: after a broken connection it resumes after
 * the last delivered version. A stream without even a heartbeat counts as broken. If `fetch` cannot stream, the history
 * is polled.
 *
 * It owns when to reconnect, and when to give up. An iteration ends when the session is archived or the signal fires.
 * It throws an `OnelaneError` when the right to read is lost, or after too many failures in a row.
 */
import * as Answers from "./Answers.js"
import * as Backoff from "./Backoff.js"
import * as Calls from "./Calls.js"
import type { CallError } from "./CheckoutError.js"
import * as Events from "./Events.js"
import { query } from "./Inputs.js"
import { OnelaneError } from "./OnelaneError.js"
import * as Outcome from "./Outcome.js"
import type { HistoryEntry } from "./Session.js"
import { followed, pause, within } from "./Time.js"
import * as Wire from "./Wire.js"

/** How sessions are followed. */
export interface FollowOptions {
  /** False: poll the history, as if `fetch` could not stream. */
  readonly stream: boolean
  /** Milliseconds without a byte after which a stream is broken. */
  readonly silenceMillis: number
  /** Milliseconds between two polls of the history. */
  readonly pollMillis: number
}

/** Follows the session at this path, after a version; undefined: from now on. */
export const follow = (
  calls: Calls.Calls,
  options: FollowOptions,
  pathOf: () => string,
  afterVersion: number | undefined,
  signal: AbortSignal | undefined
): AsyncIterable<HistoryEntry> => ({
  [Symbol.asyncIterator]: () => {
    const leaving = followed(signal)
    const entries = iterate(calls, options, pathOf, afterVersion, leaving.signal, leaving.leave)
    return {
      next: () => entries.next(),
      // Also ends a waiting `next()`.
      return: () => {
        leaving.abort()
        return entries.return(undefined)
      }
    }
  }
})

/** Why a stream ended: null: the session is archived; else an error. */
type End = CallError | null

type Piece = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>

const asItComes = async (response: Response) => response

const cut = Answers.lost("no")
const cutNow = () => cut

/** Records the last delivered version. */
type Given = (entry: HistoryEntry) => HistoryEntry

async function* iterate(
  calls: Calls.Calls,
  options: FollowOptions,
  pathOf: () => string,
  seen: number | undefined,
  signal: AbortSignal,
  leave: () => void
): AsyncGenerator<HistoryEntry, undefined> {
  const { policy } = calls
  let { stream } = options
  let breaks = 0
  const given: Given = (entry) => {
    seen = entry.version
    breaks = 0
    return entry
  }
  try {
    const path = pathOf()
    if (seen === undefined) {
      const now = await Calls.read(calls, path, Answers.session, signal)
      if (signal.aborted) return
      if (!now.ok) throw new OnelaneError(now.error)
      seen = now.value.version as number
    }
    while (!signal.aborted) {
      const end: End | "no streams" = yield* (stream ? streamed : polled)(calls, options, path, seen, signal, given)
      if (end === null || signal.aborted) return
      if (end === "no streams") {
        stream = false
        continue
      }
      breaks += 1
      if (breaks > policy.limit || !Outcome.mayResume(end)) throw new OnelaneError(end)
      const { retryAfterMillis = 0 } = end as { readonly retryAfterMillis?: number }
      await pause(Backoff.pauseMillis(policy, breaks, Math.random(), retryAfterMillis), signal)
    }
  } finally {
    leave()
  }
}

type Entries = AsyncGenerator<HistoryEntry, End | "no streams">

/** One stream, until it ends. */
async function* streamed(
  { wire }: Calls.Calls,
  { silenceMillis }: FollowOptions,
  path: string,
  seen: number,
  signal: AbortSignal,
  given: Given
): Entries {
  let token = ""
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  const headers = { accept: "text/event-stream", "last-event-id": String(seen) }
  const request: Wire.Request = { path: `${path}/events`, body: null, waitMillis: 0, signal, headers }
  try {
    const asked = (given: string) => Wire.exchange(wire, request, (token = given), asItComes)
    const answer = await Wire.underToken(wire.tokens, asked, signal)
    if (!("status" in answer)) return answer
    const { body, status } = answer
    if (status === 204) return null
    if (status !== 200) return Answers.errorOf(status, (await Wire.textOf(answer)) ?? "", "no")
    reader = body?.getReader?.()
    if (reader === undefined) return "no streams"
    const decoder = new TextDecoder()
    const parse = Events.parser()
    for (;;) {
      const piece = await within<Piece | CallError>(silenceMillis, signal, () => reader!.read(), cutNow, cutNow)
      if (!("done" in piece)) return piece
      for (const { data, name } of parse(decoder.decode(piece.value, { stream: true }))) {
        if (name === "end") return null
        if (name === "error") return refused(wire, data, token)
        if (name === "change") yield given(Answers.parse(data, Answers.entry))
      }
      if (piece.done) return cut
    }
  } catch {
    return cut
  } finally {
    reader?.cancel().catch(() => {})
  }
}

// A stream whose token expired may succeed with a new token.
const refused = ({ tokens }: Wire.Wire, problem: string, token: string): CallError => {
  const error = Answers.errorOf(200, problem, "no")
  return error._tag === "NotAuthenticated" && tokens.refused(token) ? { ...error, retryable: true } : error
}

/** Reads the history until the session is archived. */
async function* polled(
  calls: Calls.Calls,
  { pollMillis }: FollowOptions,
  path: string,
  seen: number,
  signal: AbortSignal,
  given: Given
): Entries {
  for (let afterVersion = seen; !signal.aborted; ) {
    // Read before the page: if the session is archived by then, no entry follows the page.
    const now = await Calls.read(calls, path, Answers.session, signal)
    if (!now.ok) return now.error
    const page = await Calls.read(calls, `${path}/history${query({ afterVersion })}`, Answers.history, signal)
    if (!page.ok) return page.error
    for (const entry of page.value) yield given(entry)
    if (page.value.length > 0) afterVersion = page.value.at(-1).version
    else if (now.value.isArchived) break
    else await pause(pollMillis, signal)
  }
  return null
}
