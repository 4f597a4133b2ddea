/** Every row of the suite, in the order of TARGETS. */
import type { Row } from "../Row.js"
import { P1 } from "./P1.js"
import { P2 } from "./P2.js"
import { P3 } from "./P3.js"
import { P4 } from "./P4.js"
import { P5 } from "./P5.js"
import { P6 } from "./P6.js"
import { P7 } from "./P7.js"
import { P8 } from "./P8.js"
import { P9 } from "./P9.js"
import { P10 } from "./P10.js"
import { P11 } from "./P11.js"
import { P12 } from "./P12.js"
import { P13 } from "./P13.js"
import { P14 } from "./P14.js"
import { P15 } from "./P15.js"
import { P16 } from "./P16.js"
import { P17 } from "./P17.js"
import { P18 } from "./P18.js"
import { P19 } from "./P19.js"
import { P20 } from "./P20.js"
import { P21 } from "./P21.js"
import { P22 } from "./P22.js"

/** The rows. */
export const rows: ReadonlyArray<Row> = [
  P1,
  P2,
  P3,
  P4,
  P5,
  P6,
  P7,
  P8,
  P9,
  P10,
  P11,
  P12,
  P13,
  P14,
  P15,
  P16,
  P17,
  P18,
  P19,
  P20,
  P21,
  P22
]
