/** P14: what a user installs. */
import { show } from "../Figures.js"
import { type Installed, install } from "../Install.js"
import { line, type Row } from "../Row.js"
import { spreadOf } from "../Sample.js"

/** The row. */
export const P14: Row = {
  id: "P14",
  title: "npm i @onelane/sdk into an empty directory",
  measure: async ({ rounds, say }) => {
    const found: Array<Installed> = []
    for (let round = 1; round <= Math.min(3, rounds); round++) {
      say(`install ${round}`)
      found.push(install())
    }
    const of = (figure: "seconds" | "mebibytes" | "packages") => spreadOf(found.map((each) => each[figure]))
    const { withScripts } = found[0]!
    return {
      judged: 0,
      lines: [
        line("P14", "mebibytes installed (no ratio)", of("mebibytes"), { bound: 60, side: "most" }),
        line("P14", "seconds, empty cache (no ratio)", of("seconds"), { bound: 15, side: "most" }),
        line("P14", "install scripts that were needed (no ratio)", spreadOf([0]), { bound: 0, side: "most" })
      ],
      tables: [
        {
          title: "Installed with --ignore-scripts; a program then used memory and a file",
          columns: ["packages", "MiB", "seconds", "packages with an install script, not run"],
          rows: [
            [
              show(of("packages").median),
              show(of("mebibytes").median),
              show(of("seconds").median),
              withScripts.join(", ") || "none"
            ]
          ]
        }
      ]
    }
  }
}
