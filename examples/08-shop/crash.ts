/** For tests only: kills this process without warning at the point that the environment names. */

/** Where a process may be killed, in the order of one purchase. */
export const points = [
  "before claim",
  "claim sent",
  "claimed",
  "before charge",
  "charged",
  "in transaction",
  "before commit",
  "ordered",
  "result sent",
  "before answer",
  "before send",
  "message sent"
] as const

export type Point = (typeof points)[number]

export const crash = (point: Point): void => {
  if (process.env.SHOP_CRASH === point) process.kill(process.pid, "SIGKILL")
}
