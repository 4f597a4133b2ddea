/**
 * WireAnswer: what goes out, as plain values: any server can write it, whichever format made it.
 */
import type { CheckoutSession } from "@onelane/checkout"

/** One answer. */
export interface WireAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  /** The updates it tells of, for the log. */
  readonly requestId?: string | undefined
}

/** What a body is: text, bytes, or text that keeps coming. */
export type Body = string | Uint8Array | Pull

/** Text that keeps coming, asked for piece by piece. */
export interface Pull {
  /** The next piece; null at the end. Asked again only once it has answered. Never rejects. */
  readonly next: () => Promise<string | null>
  /** Says that nobody listens any more. Once is enough; more do nothing. */
  readonly leave: () => void
}

/** Whether a body keeps coming. */
export const isPull = (body: Body): body is Pull => typeof body === "object" && "next" in body

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
  body: Body,
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

/** The answer with more headers. */
export const withHeaders = (
  { body, headers, requestId, status }: WireAnswer,
  more: Readonly<Record<string, string>>
): WireAnswer => ({ status, headers: Object.assign({}, headers, more), body, requestId })

/** The entity tag of a session: its version. */
export const etagOf = (session: CheckoutSession.CheckoutSession): { readonly etag: string } => ({
  etag: `"${session.version}"`
})
