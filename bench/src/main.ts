/** main: `npm run bench`, `npm run bench -- --only P1,P6`, `-- --rounds 9`, `-- --scale 0.2`. */
import { parseArgs } from "node:util"
import { describeMachine } from "./Machine.js"
import { print, save } from "./Report.js"
import { rows } from "./rows/index.js"
import { run } from "./Suite.js"

const { values } = parseArgs({
  options: { only: { type: "string" }, rounds: { type: "string" }, scale: { type: "string" } }
})
const wanted = values.only?.split(",").map((id) => id.trim().toUpperCase())
const chosen = rows.filter(({ id }) => wanted === undefined || wanted.includes(id))
if (chosen.length === 0) {
  console.error(`no such row: ${values.only}; there are ${rows.map(({ id }) => id).join(", ")}`)
  process.exit(2)
}
const machine = describeMachine()
const report = await run(chosen, { rounds: Number(values.rounds ?? 5), scale: Number(values.scale ?? 1) }, machine)
print(report)
save(report)
// Processes of a row that failed end with this one.
process.exit(report.failures.length > 0 ? 1 : 0)
