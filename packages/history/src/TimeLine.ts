/**
 * TimeLine: draws operations over time, one row each, as text for a terminal or as SVG for a report. Instants are drawn
 * by rank, so busy and idle periods get the same space.
 */
import type { Operation } from "./History.js"
import { textOf } from "./SessionData.js"
import type { Fault, Violation } from "./Verdict.js"

const explanations: Record<Fault, string> = {
  "double win": "two calls were accepted for one visit of a state",
  "stale answer": "an answer shows a version that was already over, or lost, when it was asked for",
  "out of order": "accepted calls are numbered against the order of time",
  "conflicting answers": "answers about one version contradict each other",
  "resurrected write": "a call answered as certainly not done shows up",
  "unexplained change": "the session changed, and no call on record can have done it",
  "wrong effect": "an accepted call left the session where it cannot lead to",
  "wrong refusal": "a refusal contradicts what it shows",
  "repeated key": "one idempotency key was accepted twice, or answered in two ways",
  "no order": "no order of these calls explains their answers"
}

/** The same text with escaped control characters, which a terminal would execute and XML does not allow. */
export const visible = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\ufffe\uffff]/gu,
    (each) => `\\u${each.codePointAt(0)!.toString(16).padStart(4, "0")}`
  )

/** One sentence that says what is wrong. */
export const explain = (violation: Violation): string =>
  visible(`${violation.session}: ${violation.rule}, ${explanations[violation.rule]}`)

/** The call and its answer, in one line. */
export const describe = (operation: Operation): string => {
  const { action, expected, next, expectedVersion, outcome, error, observed, patch, requestId } = operation
  const asked = [
    action,
    expected === undefined ? next : `${expected} → ${next}`,
    expectedVersion === undefined ? undefined : `at version ${expectedVersion}`,
    patch === undefined ? undefined : `patch ${shown(textOf(patch))}`
  ]
  const seen =
    observed === undefined
      ? undefined
      : [
          observed.version === undefined ? undefined : `version ${observed.version}`,
          observed.state === undefined ? undefined : (observed.state ?? "absent"),
          observed.next == null ? undefined : `pending ${observed.next}`,
          observed.archived === true ? "archived" : undefined,
          observed.data == null ? undefined : `data ${shown(observed.data)}`
        ]
          .filter((each) => each !== undefined)
          .join(", ")
  const answered = [outcome === "info" ? "unknown" : (error ?? outcome), seen, requestId]
  const join = (parts: ReadonlyArray<string | undefined>): string => parts.filter((part) => part).join(" ")
  return visible(`${join(asked)}: ${join(answered)}`)
}

/** Longest data in a line, characters. */
const shownMaxLength = 60

const shown = (text: string): string =>
  text.length <= shownMaxLength ? text : `${text.slice(0, shownMaxLength)}… (${text.length})`

interface Row {
  readonly operation: Operation
  readonly from: number
  /** Null if it never ended. */
  readonly to: number | null
}

/** Rows in order of call, with instants replaced by their rank. */
const rowsOf = (
  operations: ReadonlyArray<Operation>
): { readonly rows: ReadonlyArray<Row>; readonly ranks: number } => {
  const isOpen = (each: Operation): boolean => each.outcome === "info"
  const instants = operations.flatMap((each) => (isOpen(each) ? [each.invoked] : [each.invoked, each.returned]))
  const ranks = new Map([...new Set(instants)].sort((a, b) => a - b).map((instant, rank) => [instant, rank]))
  const rows = [...operations]
    .sort((a, b) => a.invoked - b.invoked || a.returned - b.returned)
    .map((operation): Row => {
      const to = isOpen(operation) ? null : ranks.get(operation.returned)!
      return { operation, from: ranks.get(operation.invoked)!, to }
    })
  return { rows, ranks: ranks.size }
}

/** Widest timeline in text, characters. */
const textWidth = 60

/** The timeline of a violation as text, under a sentence that explains it. */
export const toText = (violation: Violation): string => {
  const { rows, ranks } = rowsOf(violation.operations)
  const column = Math.max(1, Math.min(4, Math.floor(textWidth / Math.max(1, ranks))))
  const width = Math.min(textWidth, ranks * column)
  const at = (rank: number): number => Math.floor((rank * width) / Math.max(1, ranks))
  const lines = rows.map(({ operation, from, to }) => {
    const end = to === null ? width : Math.max(at(from) + 1, at(to))
    const bar = `${" ".repeat(at(from))}├${"─".repeat(end - at(from) - 1)}${to === null ? "╌" : "┤"}`
    return `  p${String(operation.process).padEnd(4)}${bar.padEnd(width + 1)}  ${describe(operation)}`
  })
  return [explain(violation), ...lines].join("\n")
}

const rowPixels = 26
const rankPixels = 36
const labelPixels = 560
const leftPixels = 56
const topPixels = 40
const colors = { ok: "#1a7f37", fail: "#9a6700", info: "#6e7781" } as const

const escape = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")

/** The timeline of a violation as a self-contained SVG document: green done, brown refused, grey unknown. */
export const toSvg = (violation: Violation): string => {
  const { rows, ranks } = rowsOf(violation.operations)
  const timePixels = (ranks + 1) * rankPixels
  const width = leftPixels + timePixels + labelPixels
  const height = topPixels + rows.length * rowPixels + 28
  const drawn = rows.map(({ operation, from, to }, index) => {
    const y = topPixels + index * rowPixels
    const x = leftPixels + from * rankPixels
    const length = (to === null ? timePixels : to * rankPixels) - from * rankPixels
    const color = colors[operation.outcome]
    const stripe = index % 2 === 0 ? `<rect x="0" y="${y - 2}" width="100%" height="${rowPixels}" fill="#f6f8fa"/>` : ""
    const dash = to === null ? ' stroke="#6e7781" stroke-dasharray="4 3" fill-opacity="0.25"' : ""
    return [
      stripe,
      `<text x="8" y="${y + 15}">p${operation.process}</text>`,
      `<rect x="${x}" y="${y + 3}" width="${Math.max(6, length)}" height="16" rx="3" fill="${color}"${dash}/>`,
      `<text x="${leftPixels + timePixels + 12}" y="${y + 15}">${escape(describe(operation))}</text>`
    ].join("")
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="8" y="22" font-size="14" font-weight="600">${escape(explain(violation))}</text>`,
    ...drawn,
    `<text x="${leftPixels}" y="${height - 10}" fill="#57606a">time →, by rank; green: done, brown: refused, grey: unknown, which may happen later</text>`,
    "</svg>",
    ""
  ].join("\n")
}
