/** main: prints the computed tables of docs/operate/SCALE.md. */
import { tables } from "./Capacity.js"

const { cells, division } = tables()
process.stdout.write(`${cells}\n\n${division}\n`)
