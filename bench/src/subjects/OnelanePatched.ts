/** OnelanePatched: ours with 2 KB of data in every session; each update replaces about 200 bytes of it. */
import { join } from "node:path"
import { Caller, CheckoutSessions, Flow } from "@onelane/checkout"
import type { Journal } from "@onelane/engine"
import { JournalSql, SqliteClient } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Effect, Layer, ManagedRuntime, Schema } from "effect"
import { states } from "../Load.js"
import * as Postgres from "../Postgres.js"
import { ofEffects, type Subject } from "../Runner.js"
import { effectDoor, engineOver } from "./Onelane.js"

const everywhere = Object.fromEntries(states.map((state) => [state, states.filter((other) => other !== state)]))

const flow = Flow.defineFlow({
  name: "data",
  initial: states[0],
  transitions: everywhere,
  data: Schema.Record({ key: Schema.String, value: Schema.String })
})

const members = 10

const memberOf = (index: number): Readonly<Record<string, string>> => ({
  [`member ${index % members}`]: `${index} ${"Kalverstraat 92, Amsterdam ".repeat(7)}`.slice(0, 185)
})

const whole = Object.assign({}, ...Array.from({ length: members }, (_, index) => memberOf(index)))

const over = async <E>(journal: Layer.Layer<Journal.Journal, E>): Promise<Subject> => {
  const runtime = ManagedRuntime.make(engineOver(journal, undefined, { flow }))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  let updates = 0
  const door = {
    ...effectDoor(sessions),
    update: (checkoutSessionId: string, expCurrentState: string, nextState: string) =>
      sessions.update(Caller.host, { checkoutSessionId, expCurrentState, nextState, data: memberOf(updates++) })
  }
  const open = (count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, index) => `cart-${index}`),
      (cartId) => Effect.map(sessions.open(Caller.host, { cartId, data: whole }), ({ session }) => session.id),
      { concurrency: 256 }
    )
  return ofEffects(door, { open: (count) => runtime.runPromise(open(count)), close: () => runtime.dispose() })
}

/** On an SQLite file. */
export const sqlitePatched = (directory: string): Promise<Subject> =>
  over(JournalSql.layer.pipe(Layer.provide(SqliteClient.layer({ filename: join(directory, "data.db") }))))

/** On a PostgreSQL of its own. */
export const postgresPatched = async (): Promise<Subject> => {
  const server = await Postgres.start()
  const subject = await over(JournalSql.layer.pipe(Layer.provide(PostgresClient.layer({ url: server.url }))))
  return { ...subject, close: () => subject.close().then(server.stop) }
}
