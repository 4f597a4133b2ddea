/** The service over an SQLite file: a session is still there after the file was closed and opened again. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"

const folder = mkdtempSync(join(tmpdir(), "onelane-"))

const journal = Layer.provide(JournalSql.layer, SqliteClient.layer({ filename: join(folder, "checkout.db") }))
const ports = Layer.mergeAll(journal, Access.layerTrusted, Carts.layerTrusted)
const service = Layer.fresh(Layer.provide(CheckoutEngine.layer(), ports))

const open = Effect.flatMap(CheckoutSessions.CheckoutSessions, (sessions) =>
  sessions.open(Caller.host, { cartId: "cart-1", checkoutSessionId: "checkout-1" })
)
for (const time of ["first", "second"]) {
  const { created, session } = await Effect.runPromise(Effect.provide(open, service))
  console.log(`${time} time: created ${created}, ${session.state}, version ${session.version}`)
}
rmSync(folder, { recursive: true })
