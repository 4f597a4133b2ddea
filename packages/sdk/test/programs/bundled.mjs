/** What a server does with a file, for a bundler to take: large commits, data of an `effect/Schema`, a backup. Tells what came of it. */
import { readdirSync, readlinkSync } from "node:fs"
import { Flow, Onelane } from "@onelane/sdk"
import * as Schema from "effect/Schema"

const [, , storage] = process.argv
const updates = 400

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Start",
  transitions: { Start: ["Pay"], Pay: ["Start"] },
  data: Schema.Struct({ email: Schema.String, note: Schema.optional(Schema.String) })
})

/** Connections to the file, by the log that each has open: the second one is that of the thread. */
const connections = () =>
  readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === `${storage}-wal`
    } catch {
      return false
    }
  }).length

// No top-level await: CommonJS has none.
const main = async () => {
  const lines = []
  const logger = ({ level, message }) => lines.push(`${level} ${message}`)
  const checkout = await Onelane.open({ storage, flow, logger })
  const each = Array.from({ length: updates }, (_, n) => n)
  const opened = await Promise.all(
    each.map((n) => checkout.openOrThrow({ cartId: `cart-${n}`, data: { email: "bob@example.com" } }))
  )
  const move = (from, to) =>
    Promise.all(
      opened.map(({ session: { id } }) =>
        checkout.update({
          checkoutSessionId: id,
          expCurrentState: from,
          nextState: to,
          data: { email: "ann@example.com", note: "x".repeat(200) }
        })
      )
    )
  const answers = [...(await move("Start", "Pay")), ...(await move("Pay", "Start")), ...(await move("Start", "Pay"))]
  const [first] = opened
  const mismatch = await checkout.update({
    checkoutSessionId: first.session.id,
    expCurrentState: "Pay",
    nextState: "Start",
    data: { email: 1 }
  })
  const said = {
    accepted: answers.filter(({ ok }) => ok).length,
    refused: [...new Set(answers.filter(({ ok }) => !ok).map(({ error }) => `${error._tag} ${error.reason}`))],
    mismatch: mismatch.ok ? "accepted" : mismatch.error.reason,
    connections: connections(),
    backup: await checkout.backup(`${storage}.copy`).then(
      ({ sessions }) => sessions,
      (refused) => refused.message
    ),
    lines
  }
  await checkout.close()
  process.stdout.write(`${JSON.stringify(said)}\n`)
}

main()
