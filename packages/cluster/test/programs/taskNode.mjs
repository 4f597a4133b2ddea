/**
 * taskNode: a node whose sessions have work to do in `Inventory`, as a process on built output. The work writes down that it
 * was begun, and where, and takes a while. It is called by lines of JSON on standard input: `[number, method, input]`.
 */
import { createInterface } from "node:readline"
import { SqlClient } from "@effect/sql/SqlClient"
import { Access, Caller, Carts, CheckoutSessions, Flow } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Context, Effect, Layer, Logger } from "effect"

const [, , url, name, workMillis] = process.argv

const program = Effect.gen(function* () {
  const store = yield* Layer.build(JournalSql.layer.pipe(Layer.provideMerge(PostgresClient.layer({ url }))))
  const sql = Context.get(store, SqlClient)
  const begun = (operation) => Effect.orDie(sql`INSERT INTO task_runs (operation, node) VALUES (${operation}, ${name})`)
  const run = ({ operationId }) => Effect.zipRight(begun(operationId), Effect.sleep(Number(workMillis)))
  const flow = Flow.withTasks(Flow.any, { Inventory: { run } })
  const engine = { flow, taskDrainMillis: 100 }
  const node = yield* Cluster.make({ host: "127.0.0.1", secret: "test", engine }).pipe(
    Effect.provide(Layer.mergeAll(Layer.succeedContext(store), Access.layerTrusted, Carts.layerTrusted))
  )
  const service = Context.get(node, CheckoutSessions.CheckoutSessions)
  const { heldShards, nodes } = Context.get(node, Cluster.Cluster)
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
  yield* Effect.forkScoped(
    Effect.repeat(
      Effect.delay(
        Effect.sync(() => say(["state", heldShards(), nodes()])),
        100
      ),
      { while: () => true }
    )
  )
  createInterface({ input: process.stdin }).on("line", (line) => {
    const [number, method, input] = JSON.parse(line)
    Effect.runFork(
      Effect.match(service[method](Caller.host, input), {
        onSuccess: (value) => say([number, "ok", value]),
        onFailure: (error) => say([number, "refused", error])
      })
    )
  })
  yield* Effect.never
})

const main = Effect.runFork(program.pipe(Effect.scoped, Effect.provide(Logger.remove(Logger.defaultLogger))))
process.once("SIGTERM", () => main.unsafeInterruptAsFork(main.id()))
main.addObserver(() => process.exit(0))
