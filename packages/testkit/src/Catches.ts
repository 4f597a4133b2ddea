/**
 * Catches: what each instrument has found, for an instrument that never found anything may be blind. A fault of the product
 * or of the instrument itself was mended; a planted one is planted again whenever its test runs.
 */

/** One find. `test` is the file in which it stands, and `title` the test's name there, or the beginning of it. */
export interface Catch {
  readonly instrument: string
  readonly kind: "product" | "instrument" | "planted"
  readonly what: string
  readonly test: string
  readonly title: string
}

const testkit = "packages/testkit/test"
const mutants = `${testkit}/Mutant.test.ts`
const simulation = `${testkit}/Simulation.test.ts`

/** All of them. */
export const catches: ReadonlyArray<Catch> = [
  {
    ...{ instrument: "sim", kind: "product", test: simulation },
    what: "a turn that waited for a port decided on ground that was undone meanwhile",
    title: "a turn whose ground is undone while it asks a port"
  },
  {
    ...{ instrument: "sim", kind: "product", test: simulation },
    what: "beside other writers, a commit in flight vouched for callers who came after it",
    title: "beside other writers, a commit in flight vouches for nobody"
  },
  {
    ...{ instrument: "sim", kind: "product", test: simulation },
    what: "an engine that closed just as it began to attend what was due never came to an end",
    title: "comes to an end where an engine closes"
  },
  {
    ...{ instrument: "sim", kind: "instrument", test: simulation },
    what: "a session that expired between two reads was taken for one with a gap",
    title: "takes no gap for one where a session expires"
  },
  {
    ...{ instrument: "sim", kind: "planted", test: mutants },
    what: "A1, A2, A3, A4 taken out, alone and in pairs",
    title: "is caught: "
  },
  {
    ...{ instrument: "interruption", kind: "planted", test: mutants },
    what: "a caller who leaves takes the others' places along",
    title: "is caught: "
  },
  {
    ...{ instrument: "passivation", kind: "planted", test: mutants },
    what: "a session goes to sleep while its commit is in flight",
    title: "is caught: "
  },
  {
    ...{ instrument: "tasks", kind: "planted", test: mutants },
    what: "a result closes an operation that is over",
    title: "is caught: "
  },
  {
    ...{ instrument: "mutants", kind: "planted", test: mutants },
    what: "twelve builds with a guard taken out; and a copy with none taken out is the product",
    title: "is the product itself when nothing is edited"
  },
  {
    ...{ instrument: "kills", kind: "planted", test: `${testkit}/Kills.test.ts` },
    what: "a store that forgets what it acknowledged before a kill",
    title: "a store that forgets what it acknowledged is found out"
  },
  {
    ...{ instrument: "power", kind: "planted", test: `${testkit}/PowerLoss.test.ts` },
    what: "`synchronous=NORMAL`: most images have lost answers; every run plants it again",
    title: "a log that is not synced at every commit is found out"
  },
  {
    ...{ instrument: "store", kind: "planted", test: `${testkit}/StoreFaults.test.ts` },
    what: "a server that goes on after its disk failed",
    title: "a server that goes on after its disk failed is found out"
  },
  {
    ...{ instrument: "overload", kind: "planted", test: `${testkit}/Overload.test.ts` },
    what: "a server that refuses nobody",
    title: "a server that takes everything is found out"
  },
  {
    ...{ instrument: "cluster", kind: "planted", test: `${testkit}/Cluster.test.ts` },
    what: "a database that puts a session back, so that a second writer gets past the fence",
    title: "a fence that lets a second writer in is found out"
  },
  {
    ...{ instrument: "fuzz", kind: "product", test: "packages/server/test/Listener.test.ts" },
    what: "a request without `Host` got an error without a body",
    title: "L1 bytes that are no request are answered 400 with a body"
  },
  {
    ...{ instrument: "fuzz", kind: "product", test: "packages/sql/test/ApiKeysSql.test.ts" },
    what: "a key asked for by an id with a NUL was answered 500",
    title: "keeps keys over a restart, finds them by id"
  },
  {
    ...{ instrument: "fuzz", kind: "instrument", test: `${testkit}/RawClient.test.ts` },
    what: "it took the answer behind one to HEAD for its body",
    title: "takes an answer to HEAD"
  },
  {
    ...{ instrument: "access", kind: "planted", test: `${testkit}/Access.test.ts` },
    what: "members whom nobody made members; the issuer's key in a stranger's hands",
    title: "members whom nobody made members are found out"
  }
]

/** What an instrument has found, for a summary: `2 mended, 1 planted`. */
export const found = (instrument: string): string => {
  const own = catches.filter((each) => each.instrument === instrument)
  const planted = own.filter(({ kind }) => kind === "planted").length
  return [
    ...(own.length > planted ? [`${own.length - planted} mended`] : []),
    ...(planted > 0 ? [`${planted} planted`] : [])
  ].join(", ")
}

const kinds = { product: "**mended**", instrument: "mended in the instrument", planted: "planted" } as const

/** The table of docs/RELIABILITY.md. */
export const table = (): string =>
  [
    "| instrument | found | which | shown by |",
    "|---|---|---|---|",
    ...catches.map(
      ({ instrument, kind, test, what }) =>
        `| \`${instrument}\` | ${what} | ${kinds[kind]} | \`${test.split("/").pop()}\` |`
    )
  ].join("\n")
