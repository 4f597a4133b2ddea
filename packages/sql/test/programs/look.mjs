/**
 * Looks: opens each file it is named on standard input with the product, and says what is in it: for every session the
 * request ids of its versions, or why it could not be opened. Usage: look
 */
import { createInterface } from "node:readline"
import { SqlClient } from "@effect/sql/SqlClient"
import { Caller } from "@onelane/checkout"
import { Context, Effect } from "effect"
import { open } from "./store.mjs"

const look = (filename) =>
  Effect.gen(function* () {
    const [sessions, context] = yield* open({ filename })
    const sql = Context.get(context, SqlClient)
    const [check] = yield* sql.unsafe("PRAGMA integrity_check")
    if (check.integrity_check !== "ok") return { unsound: check.integrity_check }
    const found = {}
    for (const { id } of yield* sql.unsafe(
      "SELECT id FROM journal_state WHERE id LIKE 'session-%' AND kind = 'session'"
    )) {
      const { version } = yield* sessions.get(Caller.host, { checkoutSessionId: id })
      const versions = []
      for (let after = 0; after < version; after += 1_000) {
        const page = { checkoutSessionId: id, afterVersion: after, limit: 1_000 }
        for (const entry of yield* sessions.history(Caller.host, page)) versions.push([entry.version, entry.requestId])
      }
      if (versions.some(([number], index) => number !== index + 1) || versions.length !== version)
        return { unsound: `${id}: version ${version}, history ${versions.map(([number]) => number).join(" ")}` }
      found[id] = versions.map(([, requestId]) => requestId)
    }
    return { found }
  }).pipe(
    Effect.scoped,
    Effect.catchAllCause((cause) => Effect.succeed({ unsound: String(cause) }))
  )

process.stdout.write('"ready"\n')
for await (const filename of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await Effect.runPromise(look(filename)))}\n`)
}
