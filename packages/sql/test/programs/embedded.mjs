/**
 * A program that embeds the engine over a file and does what lines of JSON on its standard input ask (see `Doors.lines`).
 * State Taxes has a task, which takes a few milliseconds. Usage: embedded <file>
 */
import { Flow } from "@onelane/checkout"
import { Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { answerLines } from "./lines.mjs"

const task = { run: () => Effect.sleep(10), deadlineMillis: 2_000, retry: { limit: 1, baseMillis: 10 } }
const storage = process.argv[2]
const checkout = await Onelane.open({ storage, flow: Flow.withTasks(Flow.any, { Taxes: task }), retry: { limit: 0 } })
answerLines(() => checkout)
