/** P14: what a user installs. */
import { show, showSpread } from "../Figures.js"
import { type Installed, install, NoRegistry } from "../Install.js"
import { type Findings, line, missing, type Row, type Target } from "../Row.js"
import { spreadOf } from "../Sample.js"

const most = (bound: number): Target => ({ bound, side: "most" })

const figures = [
  { what: "mebibytes installed (no ratio)", target: most(60), of: ({ mebibytes }: Installed) => mebibytes },
  { what: "seconds, empty cache (no ratio)", target: most(15), of: ({ seconds }: Installed) => seconds },
  { what: "packages compiled (no ratio)", target: most(0), of: ({ compiled }: Installed) => compiled.length }
]

const findings = (found: ReadonlyArray<Installed>): Findings => {
  const of = (figure: (each: Installed) => number) => spreadOf(found.map(figure))
  return {
    judged: 0,
    lines: figures.map((each) => line("P14", each.what, of(each.of), each.target)),
    tables: [
      {
        title: "Installed with an empty cache; then with scripts off, and a program used memory and a file",
        columns: ["packages", "MiB", "seconds", "packages with an install script"],
        rows: [
          [
            show(of(({ packages }) => packages).median),
            show(of(({ mebibytes }) => mebibytes).median),
            showSpread(of(({ seconds }) => seconds)),
            found[0]!.withScripts.join(", ") || "none"
          ]
        ]
      }
    ]
  }
}

/** The row. */
export const P14: Row = {
  id: "P14",
  title: "npm i @onelane/sdk into an empty directory",
  measure: async ({ rounds, say }) => {
    const found: Array<Installed> = []
    try {
      for (let round = 1; round <= Math.min(3, rounds); round++) {
        say(`install ${round}`)
        found.push(install())
      }
    } catch (error) {
      if (!(error instanceof NoRegistry)) throw error
      const note = `no package registry answered (${error.message})`
      return { judged: 0, lines: figures.map(({ what, target }) => missing("P14", what, target, note)), tables: [] }
    }
    return findings(found)
  }
}
