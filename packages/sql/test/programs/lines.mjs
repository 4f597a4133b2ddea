/** Lines of JSON on standard input as calls of a checkout, its answers as lines on standard output (see `Doors.lines`). */
import { createInterface } from "node:readline"

/** Answers until the input ends. `checkoutFor` is given the number of the call. */
export const answerLines = (checkoutFor) => {
  const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
  const leaving = new Map()
  createInterface({ input: process.stdin })
    .on("line", async (line) => {
      const [number, method, input] = JSON.parse(line)
      if (method === undefined) return leaving.get(number)?.abort()
      const leave = new AbortController()
      leaving.set(number, leave)
      try {
        const answer = await checkoutFor(number)[method](input, { signal: leave.signal })
        write([number, answer.ok, answer.ok ? answer.value : answer.error])
      } catch (error) {
        write([number, false, { _tag: "StorageUnavailable", applied: "unknown", reason: String(error) }])
      }
      leaving.delete(number)
    })
    .on("close", () => process.exit(0))
  write("ready")
}
