/** Every row of the suite, in the order of TARGETS. */
import type { Row } from "../Row.js"
import { P1 } from "./P1.js"
import { P2 } from "./P2.js"
import { P3 } from "./P3.js"

/** The rows. */
export const rows: ReadonlyArray<Row> = [P1, P2, P3]
