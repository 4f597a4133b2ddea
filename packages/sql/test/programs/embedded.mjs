/**
 * A program that embeds the engine over a file and does what lines of JSON on its standard input ask (see `Doors.lines`).
 * State Taxes has a task, which takes a few milliseconds. Usage: embedded <file>
 */
import { createInterface } from "node:readline"
import { Flow } from "@onelane/checkout"
import { Onelane } from "@onelane/sdk"
import { Effect } from "effect"

const task = { run: () => Effect.sleep(10), deadlineMillis: 2_000, retry: { limit: 1, baseMillis: 10 } }
const storage = process.argv[2]
const checkout = await Onelane.open({ storage, flow: Flow.withTasks(Flow.any, { Taxes: task }), retry: { limit: 0 } })
const write = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

const leaving = new Map()
createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [number, method, input] = JSON.parse(line)
    if (method === undefined) return leaving.get(number)?.abort()
    const leave = new AbortController()
    leaving.set(number, leave)
    try {
      const answer = await checkout[method](input, { signal: leave.signal })
      write([number, answer.ok, answer.ok ? answer.value : answer.error])
    } catch (error) {
      write([number, false, { _tag: "StorageUnavailable", applied: "unknown", reason: String(error) }])
    }
    leaving.delete(number)
  })
  .on("close", () => process.exit(0))

write("ready")
