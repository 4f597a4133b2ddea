/**
 * Keys: handles the idempotency keys of a history. All calls under one key are one change, made at most once. A
 * replayed answer shows when the change was certainly done, but nothing about the present session. Source: CONTRACT §4.
 */
import { isChange, type Operation } from "./History.js"
import type { Finding } from "./Verdict.js"

/** The same history with the calls of each key merged into one, and the violated keys. */
export interface Settled {
  readonly operations: ReadonlyArray<Operation>
  readonly findings: ReadonlyArray<Finding>
}

/** Merges the calls of each key in one session's operations. */
export const settle = (operations: ReadonlyArray<Operation>): Settled => {
  if (!operations.some((each) => each.replayed === true || (each.outcome === "info" && each.key !== undefined))) {
    return { operations, findings: acceptedTwice(operations) }
  }
  const settled: Array<Operation> = []
  const findings: Array<Finding> = []
  const keyed = new Map<string, Array<Operation>>()
  for (const operation of operations) {
    if (operation.key === undefined || operation.outcome === "fail") settled.push(operation)
    else {
      const same = keyed.get(operation.key)
      if (same === undefined) keyed.set(operation.key, [operation])
      else same.push(operation)
    }
  }
  for (const attempts of keyed.values()) {
    const folded = fold(attempts)
    if ("rule" in folded) findings.push(folded)
    else settled.push(...folded)
  }
  return { operations: settled.sort((a, b) => a.invoked - b.invoked), findings }
}

const acceptedTwice = (operations: ReadonlyArray<Operation>): ReadonlyArray<Finding> => {
  const accepted = new Map<string, Operation>()
  const findings: Array<Finding> = []
  for (const operation of operations) {
    if (operation.key === undefined || !isChange(operation)) continue
    const earlier = accepted.get(operation.key)
    if (earlier !== undefined) findings.push({ rule: "repeated key", operations: [earlier, operation] })
    else accepted.set(operation.key, operation)
  }
  return findings
}

/**
 * Merges one key's accepted and doubtful attempts into one operation: from the first call that can have done it to the
 * first answer that reports it done. Without an answer, one doubtful attempt is kept: any of them, but only one, may
 * have done it.
 */
const fold = (attempts: ReadonlyArray<Operation>): ReadonlyArray<Operation> | Finding => {
  const answers = attempts.filter((each) => each.outcome === "ok")
  const doubtful = attempts.filter((each) => each.outcome === "info")
  if (answers.length === 0) return [doubtful[0]!]
  const fresh = answers.filter((each) => each.replayed !== true)
  if (fresh.length > 1) return { rule: "repeated key", operations: fresh.slice(0, 2) }
  const told = fresh[0] ?? answers[0]!
  const different = answers.find((each) => each.requestId !== told.requestId)
  if (different !== undefined) return { rule: "repeated key", operations: [told, different] }
  const made = fresh.length > 0 ? fresh : doubtful
  const invoked = Math.min(...made.map((each) => each.invoked))
  const returned = Math.min(...answers.map((each) => each.returned))
  // The engine's own task may have reported the same result before; then none of these calls did it.
  if (fresh.length === 0 && told.action === "completeTask") return doubtful.slice(0, 1)
  if (invoked > returned) return { rule: "repeated key", operations: [told, ...made.slice(0, 1)] }
  return [{ ...told, replayed: false, invoked, returned }]
}
