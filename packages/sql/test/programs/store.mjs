/** The whole engine over one file, for the programs beside this one. */
import { Access, Carts, CheckoutEngine, CheckoutSessions, Flow } from "@onelane/checkout"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Context, Effect, Layer } from "effect"

/** Lasts with the scope. `options` are those of the SQLite client. */
export const open = (options) =>
  CheckoutEngine.layer({ flow: Flow.any, taskDrainMillis: 1 }).pipe(
    Layer.provide([JournalSql.layer, Access.layerTrusted, Carts.layerTrusted]),
    Layer.provideMerge(SqliteClient.layer(options)),
    Layer.build,
    Effect.map((context) => [Context.get(context, CheckoutSessions.CheckoutSessions), context])
  )
