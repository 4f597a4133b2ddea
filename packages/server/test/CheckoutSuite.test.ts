/** The behaviour suite on everything that stands behind the Tag: memory, an SQLite file, and a server over loopback. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type Caller, CheckoutEngine, CheckoutSessions, type Flow } from "@onelane/checkout"
import { DirectoryMemory } from "@onelane/directory"
import { JournalMemory } from "@onelane/engine"
import { Authentication, CheckoutClient, CheckoutServer } from "@onelane/http"
import { AccessSql, CartsSql, DirectorySql, JournalSql, SqliteClient } from "@onelane/sql"
import { CheckoutSuite } from "@onelane/testkit"
import { Effect, Layer } from "effect"

const engine = (flow: Flow.Flow) => CheckoutEngine.layer({ flow, taskDrainMillis: 0 })

const inMemory = (flow: Flow.Flow) =>
  engine(flow).pipe(Layer.provideMerge(DirectoryMemory.layer), Layer.provide(JournalMemory.layer))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "onelane-suite-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

const onSqlite = (flow: Flow.Flow) => {
  const client = Layer.unwrapScoped(
    Effect.map(folder, (path) => SqliteClient.layer({ filename: join(path, "checkout.db") }))
  )
  const tables = Layer.mergeAll(JournalSql.layer, AccessSql.layer, CartsSql.layer, DirectorySql.layer)
  return engine(flow).pipe(Layer.provideMerge(tables), Layer.provide(client))
}

const tokenOf = (caller: Caller.Caller) => `token-${caller.userId}-${caller.actingAccountId}`

/** One client a caller, as there is one a browser. */
const clients = Effect.gen(function* () {
  const url = yield* HttpServer.addressFormattedWith(Effect.succeed)
  const byToken = new Map<string, CheckoutSessions.CheckoutSessionsShape>()
  for (const caller of Object.values(CheckoutSuite.callers)) {
    const token = tokenOf(caller)
    byToken.set(token, yield* CheckoutClient.make({ url, token }))
  }
  const of = (caller: Caller.Caller) => byToken.get(tokenOf(caller))!
  return CheckoutSessions.CheckoutSessions.of({
    open: (caller, input, wait) => of(caller).open(caller, input, wait),
    update: (caller, input, wait) => of(caller).update(caller, input, wait),
    find: (caller, input) => of(caller).find(caller, input),
    get: (caller, input, wait) => of(caller).get(caller, input, wait),
    cancel: (caller, input) => of(caller).cancel(caller, input),
    history: (caller, input) => of(caller).history(caller, input),
    follow: (caller, input) => of(caller).follow(caller, input),
    changes: (caller, input) => of(caller).changes(caller, input),
    completeTask: (caller, input, wait) => of(caller).completeTask(caller, input, wait),
    failTask: (caller, input) => of(caller).failTask(caller, input),
    releaseClaim: (caller, input) => of(caller).releaseClaim(caller, input),
    move: (caller, input) => of(caller).move(caller, input),
    sessions: (caller, input) => of(caller).sessions(caller, input),
    claims: (caller, input) => of(caller).claims(caller, input)
  })
})

const overHttp = (flow: Flow.Flow) => {
  const tokens = Object.fromEntries(Object.values(CheckoutSuite.callers).map((caller) => [tokenOf(caller), caller]))
  const server = CheckoutServer.layer({ flow }).pipe(
    Layer.provide(Authentication.layerStatic(tokens)),
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" }))
  )
  const client = Layer.effect(CheckoutSessions.CheckoutSessions, clients)
  return client.pipe(Layer.provide(server), Layer.provideMerge(inMemory(flow)))
}

CheckoutSuite.run("embedded, in memory", inMemory)
CheckoutSuite.run("embedded, on SQLite", onSqlite)
CheckoutSuite.run("remote, over HTTP", overHttp, { clock: "live" })
