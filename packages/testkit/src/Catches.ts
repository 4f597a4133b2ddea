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
const mutants = `${testkit}/Mutant.long.test.ts`
const simulation = `${testkit}/Simulation.test.ts`

const caught = (instrument: string, kind: Catch["kind"], what: string, test: string, title: string): Catch => ({
  instrument,
  kind,
  what,
  test,
  title
})

/** All of them. */
export const catches: ReadonlyArray<Catch> = [
  caught(
    "sim",
    "product",
    "a turn waited for a port, its state was rolled back meanwhile, and it decided by the old state",
    simulation,
    "a turn whose state is rolled back while it asks a port"
  ),
  caught(
    "sim",
    "product",
    "with several writers, a commit in flight was taken as proof of freshness for commands received after it was sent",
    simulation,
    "beside other writers, a commit in flight proves freshness"
  ),
  caught(
    "sim",
    "product",
    "closing an engine while its alarm loop was starting deadlocked",
    simulation,
    "an engine that closes while its alarms start"
  ),
  caught(
    "sim",
    "product",
    "closing an engine while a pause of its alarm loop began never ended",
    "packages/engine/test/Race.test.ts",
    "ends whenever it is interrupted, between any two of its first steps"
  ),
  caught(
    "sim",
    "instrument",
    "a session that expired between two reads was reported as a gap in its events",
    simulation,
    "a session that expires between two reads"
  ),
  caught(
    "sim",
    "instrument",
    "results of one operation with different data were taken for repetitions of one",
    simulation,
    "two results of one operation with different data"
  ),
  caught(
    "sim",
    "planted",
    "an engine whose clock is two hours ahead archived sessions that had an hour left",
    simulation,
    "finds an engine that trusts its own clock"
  ),
  caught(
    "sim",
    "product",
    "a replay showed a write that had arrived late, and later answers did not contain it",
    "packages/engine/test/Records.test.ts",
    "a write that arrives late, found by its digest"
  ),
  caught("sim", "planted", "A1, A2, A3 and A4 removed, alone and in pairs", mutants, "is caught: "),
  caught(
    "interruption",
    "planted",
    "a caller who leaves removes the other callers from the mailbox",
    mutants,
    "is caught: "
  ),
  caught("passivation", "planted", "a session is passivated while its commit is in flight", mutants, "is caught: "),
  caught("tasks", "planted", "a result closes an operation that has already ended", mutants, "is caught: "),
  caught("tasks", "planted", "a late success recorded twice; one refused and forgotten", mutants, "is caught: "),
  caught(
    "mutants",
    "planted",
    "builds without one guard or two; a build with all of them behaves like the product",
    `${testkit}/Mutant.test.ts`,
    "is the product itself when nothing is edited"
  ),
  caught(
    "kills",
    "planted",
    "a store that forgets what it acknowledged before a kill",
    `${testkit}/Kills.long.test.ts`,
    "finds a store that forgets acknowledged updates"
  ),
  caught(
    "kills",
    "planted",
    "a client that gives the answer of its last try for one whose outcome is unknown, as the SDK once did",
    `${testkit}/Kills.long.test.ts`,
    "a client that turns unknown into the answer of its last try is found out"
  ),
  caught(
    "power",
    "planted",
    "`synchronous=NORMAL`: most images have lost answers; every run plants it again",
    `${testkit}/PowerLoss.long.test.ts`,
    "finds a log that is not synced at every commit"
  ),
  caught(
    "store",
    "planted",
    "a server that goes on after its disk failed",
    `${testkit}/StoreFaults.long.test.ts`,
    "a server that goes on after its disk failed is found out"
  ),
  caught(
    "overload",
    "planted",
    "a server that refuses nobody",
    `${testkit}/Overload.long.test.ts`,
    "a server that takes everything is found out"
  ),
  caught(
    "overload",
    "product",
    "one connection without a token that wrote 2,000 requests and read nothing took the server down",
    `${testkit}/Overload.long.test.ts`,
    "clients who do not read hold nobody up"
  ),
  caught(
    "overload",
    "planted",
    "a server without a limit on the unanswered requests of a connection",
    `${testkit}/Overload.long.test.ts`,
    "a server that takes any number of requests on one connection is found out"
  ),
  caught(
    "cluster",
    "planted",
    "a database that restores an older session row, so that a second writer passes the fence",
    `${testkit}/Cluster.long.test.ts`,
    "finds a fence that lets a second writer in"
  ),
  caught(
    "fuzz",
    "product",
    "a request without `Host` got an error without a body",
    "packages/server/test/Listener.test.ts",
    "L1 a malformed request is answered 400 with a body"
  ),
  caught(
    "fuzz",
    "product",
    "an API key id that contains NUL was answered 500",
    "packages/sql/test/ApiKeysSql.test.ts",
    "keeps keys over a restart, finds them by id"
  ),
  caught(
    "fuzz",
    "instrument",
    "it read the answer after a HEAD answer as the body of that answer",
    `${testkit}/RawClient.test.ts`,
    "takes an answer to HEAD"
  ),
  caught(
    "access",
    "planted",
    "users treated as members without a membership; the issuer's key used by somebody else; carts that keep their old owner",
    `${testkit}/Access.long.test.ts`,
    "members whom nobody made members are found out"
  )
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

/** The table of docs/understand/RELIABILITY.md. */
export const table = (): string =>
  [
    "| instrument | found | which | shown by |",
    "|---|---|---|---|",
    ...catches.map(
      ({ instrument, kind, test, what }) =>
        `| \`${instrument}\` | ${what} | ${kinds[kind]} | \`${test.split("/").pop()}\` |`
    )
  ].join("\n")
