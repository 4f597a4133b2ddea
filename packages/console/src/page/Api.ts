/**
 * Api: the client of this page: only the public HTTP contract. Reads are not retried, because the page polls. Writes
 * are retried with their idempotency key until the outcome is known, or the attempts are used up.
 *
 * It owns what the page knows of the connection (`answering`) and who is signed in (`operator`).
 */
import type { CallError, Result } from "@onelane/client"
import { connect, type HostClient } from "@onelane/client/host"
import { now } from "./Clock.js"
import * as Store from "./Store.js"
import * as Token from "./Token.js"

/** Since when the server does not answer, epoch milliseconds; null: it does. */
export const silentSince: Store.Store<number | null> = Store.make<number | null>(null)

/** Why nobody is signed in. */
export type SignedOut = "nobody" | "refused" | "expired" | "not an operator"

/** The operator's token, and whether the server has accepted it in this tab; or why there is none. */
export type Operator = { readonly token: string; readonly wasTaken: boolean } | SignedOut

/** Who is signed in. */
export const operator: Store.Store<Operator> = Store.make<Operator>("nobody")

/** The server, for one operator. */
export interface Api {
  readonly token: string
  readonly read: HostClient
  readonly write: HostClient
  /** Posts JSON to a path, and reads JSON. Only for requests that change nothing. */
  readonly ask: (path: string, input: object, signal: AbortSignal) => Promise<Result<unknown>>
}

const readMillis = 10_000

/** Connects under a token. The page is at `<base>/console/`. */
export const make = (token: string): Api => {
  const root = new URL("..", location.href).href.replace(/\/$/, "")
  return {
    token,
    read: connect({ url: root, token, retry: { limit: 0 }, timeoutMillis: readMillis }),
    write: connect({ url: root, token, retry: { limit: 5 }, timeoutMillis: 15_000 }),
    ask: (path, input, signal) => ask(root + path, token, input, signal)
  }
}

const refused = (error: object): Result<never> => ({ ok: false, error: error as CallError })

const ask = async (url: string, token: string, input: object, signal: AbortSignal): Promise<Result<unknown>> => {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(input),
      signal: AbortSignal.any([signal, AbortSignal.timeout(readMillis)])
    })
    if (response.status === 401) return refused({ _tag: "NotAuthenticated", reason: "TOKEN_REFUSED", message: "" })
    const value = await response.json()
    return response.ok ? { ok: true, value } : refused({ ...value, message: String(value.detail) })
  } catch {
    return refused({ _tag: "StorageUnavailable", reason: "CONNECTION_LOST", message: "", applied: "no" })
  }
}

/** Whether this error means that there was no answer. */
export const isSilence = (error: CallError): boolean =>
  error._tag === "StorageUnavailable" && ["CONNECTION_LOST", "TIMEOUT", "UNREADABLE_ANSWER"].includes(error.reason)

/**
 * Updates the connection state from the outcome of a call: whether the server answers, and whether it still accepts the
 * token.
 */
export const learn = <A>(result: Result<A>, token: string): Result<A> => {
  if (!result.ok && result.error._tag === "Aborted") return result
  if (!result.ok && isSilence(result.error)) {
    if (silentSince.get() === null) silentSince.set(now())
    return result
  }
  silentSince.set(null)
  const known = operator.get()
  if (typeof known === "string" || known.token !== token) return result
  const tag = result.ok ? null : result.error._tag
  if (tag === "NotAuthenticated") signOut(known.wasTaken ? "expired" : "refused")
  else if (tag === "ActionNotPermitted") signOut("not an operator")
  else if (!known.wasTaken && result.ok) operator.set({ token, wasTaken: true })
  return result
}

/** Signs in: the token is kept in this tab, and checked by the first read. */
export const signIn = (token: string): void => {
  Token.keep(token)
  operator.set({ token, wasTaken: false })
}

/** Signs out, and forgets the token. */
export const signOut = (why: SignedOut): void => {
  Token.forget()
  operator.set(why)
}
