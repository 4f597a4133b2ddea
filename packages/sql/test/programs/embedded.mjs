/**
 * A program that embeds the engine over a file and does what lines of JSON on its standard input ask (see `Doors.lines`).
 * State Taxes has a task, which takes a few milliseconds; sessions keep any data. Usage: embedded <file>
 */
import { Flow } from "@onelane/checkout"
import { Onelane } from "@onelane/sdk"
import { Effect } from "effect"
import { answerLines } from "./lines.mjs"

const task = { run: () => Effect.sleep(10), deadlineMillis: 2_000, retry: { limit: 1, baseMillis: 10 } }
const data = { "~standard": { version: 1, vendor: "testkit", validate: (value) => ({ value }) } }
const { initial, transitions } = Flow.any
const flow = Flow.defineFlow({ name: "any", initial, transitions, tasks: { Taxes: task }, data })
const checkout = await Onelane.open({ storage: process.argv[2], flow, retry: { limit: 0 } })
answerLines(() => checkout)
