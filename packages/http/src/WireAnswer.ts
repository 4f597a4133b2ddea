/**
 * WireAnswer: what goes out, as plain values: any server can write it, whichever lane made it.
 */
import type { CheckoutSession } from "@onelane/checkout"
import type * as Stream from "effect/Stream"

/** One answer. A body is text, or text that keeps coming. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Stream.Stream<string>
  /** The updates it tells of, for the log. */
  readonly requestId?: string | undefined
}

/** What every answer carries: no cache may keep it, nobody guesses its type, no page may show or run anything of it. */
const always = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer"
}

/** An answer of any media type. */
export const make = (
  status: number,
  contentType: string,
  body: WireAnswer["body"],
  headers: Readonly<Record<string, string>> = {}
): WireAnswer => {
  // Spreading them would take ten times as long.
  const all: Record<string, string> = Object.assign({}, always, headers)
  all["content-type"] = contentType
  return { status, headers: all, body }
}

/** A JSON answer. */
export const json = (status: number, body: unknown, headers?: Readonly<Record<string, string>>): WireAnswer =>
  make(status, "application/json", JSON.stringify(body), headers)

/** An answer without a body. */
export const empty = (status: number): WireAnswer => ({ status, headers: always, body: "" })

/** The entity tag of a session: its version. */
export const etagOf = (session: CheckoutSession.CheckoutSession): { readonly etag: string } => ({
  etag: `"${session.version}"`
})
