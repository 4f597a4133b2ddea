/**
 * Conditional: conditional requests. Source: RFC 9110, 13.
 *
 * A weak tag (`W/`) counts as the strong one: proxies weaken tags when they compress, but a version still identifies
 * the same session content.
 */
import * as WireAnswer from "./WireAnswer.js"
import type { WireRequest } from "./WireRequest.js"

/** The version in an entity tag of a session; undefined if the tag is not one of ours. */
export const versionOf = (etag: string | undefined): number | undefined => {
  const digits = etag === undefined ? null : /^(?:W\/)?"(\d{1,15})"$/.exec(etag)
  return digits === null ? undefined : Number(digits[1])
}

/** The answer, or 304 if the client already has it (`If-None-Match`). */
export const answerTo = ({ headers, method }: WireRequest, answer: WireAnswer.WireAnswer): WireAnswer.WireAnswer => {
  const seen = headers["if-none-match"]
  const { etag } = answer.headers
  if (seen === undefined || etag === undefined || answer.status !== 200) return answer
  if ((method !== "GET" && method !== "HEAD") || !isAmong(etag, seen)) return answer
  const { "content-type": _, "content-encoding": __, ...kept } = answer.headers
  return { ...WireAnswer.empty(304), headers: kept }
}

const isAmong = (etag: string, seen: string): boolean =>
  seen.trim() === "*" || seen.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag)
