/**
 * SharedPage: a page that does not change while the server runs. It is created and compressed once, and all answers
 * share the bytes. So it is in memory twice (plain and compressed), however many clients have not read it yet.
 */
import * as Effect from "effect/Effect"
import type * as WireAnswer from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

/** One page, in both forms. */
export interface SharedPage {
  readonly plain: WireAnswer.WireAnswer
  readonly compressed: WireAnswer.WireAnswer
}

/** Creates a page from an answer with text or bytes; `compress` also stores it as gzip. */
export const make = (
  { body, headers, status }: WireAnswer.WireAnswer,
  compress: (bytes: Uint8Array) => Promise<Uint8Array> = gzip
): Effect.Effect<SharedPage> =>
  Effect.promise(async () => {
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body as Uint8Array)
    const digest = await digestOf(bytes)
    const shared = { ...headers, vary: "Accept-Encoding" }
    return {
      plain: { status, headers: { ...shared, etag: `"${digest}"` }, body: bytes },
      compressed: {
        status,
        headers: { ...shared, etag: `"${digest}-gzip"`, "content-encoding": "gzip" },
        body: await compress(bytes)
      }
    }
  })

/** The page, compressed if the client accepts that. */
export const answer = ({ compressed, plain }: SharedPage, { headers }: WireRequest): WireAnswer.WireAnswer =>
  takesGzip(headers["accept-encoding"] ?? "") ? compressed : plain

/** Whether `Accept-Encoding` names gzip (or anything) with a weight above 0. Source: RFC 9110, 12.5.3. */
const takesGzip = (accepted: string): boolean => {
  const weights = new Map(
    accepted.split(",").map((coding) => {
      const [name = "", weight = "q=1"] = coding.split(";")
      return [name.trim().toLowerCase(), Number(weight.trim().replace(/^q=/i, ""))]
    })
  )
  return (weights.get("gzip") ?? weights.get("x-gzip") ?? weights.get("*") ?? 0) > 0
}

const gzip = async (bytes: Uint8Array): Promise<Uint8Array> => {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new CompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

const digestOf = async (bytes: Uint8Array): Promise<string> => {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>))
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("")
}
