/**
 * main: the command `npm run walk`. Walks one accepted update, embedded, on an SQLite file, everything warm: the session is
 * awake, nothing else is in flight, no key is given. `--json` prints the figures alone.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { register } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Walk from "./Walk.js"

const warmUps = 200
const walks = 9

const recorder = Walk.makeRecorder()
Object.assign(globalThis, { $walk: recorder })
register(new URL("./Hooks.js", import.meta.url))

const folder = mkdtempSync(join(tmpdir(), "onelane-walk-"))
const { Onelane } = await import("@onelane/sdk")
const checkout = await Onelane.open({ storage: join(folder, "checkout.db"), flow: "any" })
const { session } = await checkout.openOrThrow({ cartId: "cart-1" })

const [one, other] = ["Inventory", "Taxes"] as const
let state: string = session.state
const update = async (): Promise<void> => {
  const nextState = state === one ? other : one
  await checkout.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: state, nextState })
  state = nextState
}

for (let round = 0; round < warmUps; round += 1) await update()
const taken: Array<ReadonlyArray<Walk.Step>> = []
for (let round = 0; round < walks; round += 1) {
  recorder.start()
  await update()
  taken.push(recorder.end())
}
await checkout.close()
rmSync(folder, { recursive: true })

const walk = Walk.usual(taken)
console.log(process.argv.includes("--json") ? JSON.stringify(Walk.summarise(walk)) : Walk.render(walk))
