/**
 * SimulatedData: the data that callers of a simulation write, its schema, and a check of the data after a session's
 * stored events. It uses the checker's merge, not the product's.
 */
import { SessionData } from "@onelane/history"
import type { Seeded } from "@onelane/testing/Seeded"

/** Data whose numbers are not below zero, at any depth. Any Standard Schema would do. */
export const schema = {
  "~standard": {
    version: 1,
    vendor: "testkit",
    validate: (value: unknown) =>
      isSound(value) ? { value } : { issues: [{ message: "below zero", path: ["shared"] }] }
  }
} as const

const isSound = (value: unknown): boolean =>
  typeof value === "number" ? value >= 0 : Object.values(Object(value)).every(isSound)

/**
 * A patch: a member of the caller's own, one that all share, removed now and then, and a nested one. One in ten is
 * refused.
 */
export const patchOf = (seeded: Seeded, process: number): { readonly [name: string]: any } => ({
  [`by ${process}`]: seeded.below(100),
  ...(seeded.chance(0.5) && { shared: seeded.chance(0.2) ? null : seeded.below(100) }),
  ...(seeded.chance(0.3) && { deep: { [`at ${seeded.below(3)}`]: seeded.chance(0.3) ? null : seeded.below(100) } }),
  ...(seeded.chance(0.1) && { shared: -1 })
})

/** What is wrong with one session's data, given all its events; empty if nothing. */
export const faultsOf = (
  session: string,
  events: ReadonlyArray<{ readonly event: unknown }>,
  told: unknown
): ReadonlyArray<string> => {
  let data: SessionData.SessionData = "{}"
  for (const { event } of events) data = SessionData.patched(data, (event as { readonly data?: unknown }).data)
  const faults: Array<string> = []
  if (data !== SessionData.textOf(told)) faults.push("its patches do not come to its data")
  if (!isSound(told)) faults.push("it holds data that its schema refuses")
  return faults.map((fault) => `${session}: ${fault}`)
}
