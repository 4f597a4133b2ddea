/**
 * Overview: the first table of `BENCHMARKS.md`, for new readers: the task, ours, the plain way, the next best, and what
 * that means. Its figures are cells of the rows' tables, so it is as old as they are.
 */
import type { Results } from "./Results.js"

interface Entry {
  readonly what: string
  readonly row: string
  /** How the title of the table begins. */
  readonly table: string
  readonly column: string
  /** What a figure counts. */
  readonly unit: string
  readonly ours: string
  readonly plain: string
  readonly next: string
  readonly meaning: string
}

const rate = { column: "updates a second", unit: "a second" }

const entries: ReadonlyArray<Entry> = [
  {
    what: "An update in memory",
    row: "P2",
    table: "Racing on one session",
    column: "CPU ns an update",
    unit: "ns",
    ours: "onelane, Promise",
    plain: "async function, same answer",
    next: "p-queue",
    meaning: "Of 64 callers one wins; every check, limit and typed answer costs a tenth of a microsecond."
  },
  {
    what: "A durable update, SQLite, 256 writers",
    row: "P6",
    table: "256 writers, each",
    ...rate,
    ours: "onelane, SQLite, Promise",
    plain: "SQLite, a commit each",
    next: "@effect/sql transaction each",
    meaning: "One sync of the disk carries the updates of everybody who asks at that moment."
  },
  {
    what: "The same on a disk whose syncs take 3 ms longer",
    row: "P6",
    table: "256 writers, syncs",
    ...rate,
    ours: "onelane, SQLite",
    plain: "SQLite, a commit each",
    next: "@effect/sql transaction each",
    meaning: "The slower the disk, the more a shared sync is worth."
  },
  {
    what: "A durable update, PostgreSQL, 256 writers",
    row: "P7",
    table: "256 writers",
    ...rate,
    ours: "onelane, PostgreSQL, Promise",
    plain: "PostgreSQL, CAS each, pg as it comes",
    next: "PostgreSQL, CAS each",
    meaning: "The next best is the same statement through 64 prepared connections."
  },
  {
    what: "64 callers race for one durable session",
    row: "P8",
    table: "One session",
    ...rate,
    ours: "onelane, SQLite, Promise",
    plain: "PostgreSQL, CAS each",
    next: "SQLite, a commit each",
    meaning: "Losers are refused from memory, and only on what is already on the disk."
  },
  {
    what: "A whole checkout on SQLite, 64 at a time",
    row: "P15",
    table: "SQLite;",
    column: "CPU ns an update",
    unit: "ns",
    ours: "onelane, SQLite, wait",
    plain: "SQLite statements",
    next: "onelane, SQLite, proceed",
    meaning:
      "Opened, moved fourteen times, seven of them after work; the plain way keeps no history. Next: states proceed by themselves."
  },
  {
    what: "A whole checkout on PostgreSQL, 64 at a time",
    row: "P15",
    table: "PostgreSQL,",
    column: "CPU ns an update",
    unit: "ns",
    ours: "onelane, PostgreSQL, wait",
    plain: "pg with claims",
    next: "pg",
    meaning: "CPU of the app and the database together; the next best claims no work."
  },
  {
    what: "An update over HTTP",
    row: "P10",
    table: "Server CPU",
    column: "CPU ns an update",
    unit: "ns",
    ours: "onelane, native",
    plain: "node:http",
    next: "fastify",
    meaning: "A checked request, a serialized turn and a typed answer, beside a bare handler."
  },
  {
    what: "From the start of the process to the first answer",
    row: "P13",
    table: "Milliseconds",
    column: "ms",
    unit: "ms",
    ours: "embedded, first update",
    plain: "import effect/Effect",
    next: "import @effect/platform-node",
    meaning: "Beside the import of one module of Effect alone, and of its server package alone."
  },
  {
    what: "Memory of a live idle session",
    row: "P4",
    table: "Heap bytes",
    column: "bytes",
    unit: "bytes",
    ours: "onelane",
    plain: "async-mutex",
    next: "xstate",
    meaning: "Beyond the state itself; a sleeping session costs nothing."
  }
]

/** The columns. */
export const columns = ["what", "ours", "the plain way", "the next best", "what it means"]

/** The rows whose figures are there. */
export const rowsOf = ({ contests }: Results): ReadonlyArray<ReadonlyArray<string>> =>
  entries.flatMap((entry) => {
    const table = contests.find(({ id }) => id === entry.row)?.tables.find(({ title }) => title.startsWith(entry.table))
    const column = table?.columns.indexOf(entry.column) ?? -1
    const figureOf = (subject: string): string | undefined =>
      table?.rows.find(([name]) => name === subject)?.[column]?.replace(/ \(.*/, "")
    const [ours, plain, next] = [entry.ours, entry.plain, entry.next].map(figureOf)
    if (ours === undefined || plain === undefined) return []
    const shown = (subject: string, figure: string | undefined): string =>
      figure === undefined ? "-" : `${figure} ${entry.unit} (${subject})`
    return [
      [
        entry.what,
        `**${ours} ${entry.unit}**`,
        shown(entry.plain, plain),
        shown(entry.next, next),
        `${entry.meaning} (${entry.row})`
      ]
    ]
  })
