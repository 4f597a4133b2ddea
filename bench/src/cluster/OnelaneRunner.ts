/** OnelaneRunner: ours as a node of a cluster, every limit at its default. */
import { Access, Caller, Carts, CheckoutSessions, Flow } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import { JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Context, Effect, Layer, ManagedRuntime, Schedule } from "effect"
import { ofEffects, type Subject } from "../Runner.js"
import { effectDoor } from "../subjects/Onelane.js"
import type { Options } from "./Task.js"

/** Joins and waits for the others. */
export const onelaneRunner = async ({ index, ports, url }: Options): Promise<Subject> => {
  const node = Cluster.layer({ host: "127.0.0.1", port: ports[index]!, secret: "bench", engine: { flow: Flow.any } })
  const own = PostgresClient.layer({ url, connections: 4 })
  const ground = Layer.mergeAll(
    JournalSql.layer.pipe(Layer.provide(PostgresClient.layer({ url }))),
    Access.layerTrusted,
    Carts.layerTrusted
  )
  const runtime = ManagedRuntime.make(node.pipe(Layer.provide([ground, Layer.fresh(own)])))
  const context = await runtime.runPromise(Effect.context<CheckoutSessions.CheckoutSessions | Cluster.Cluster>())
  const sessions = Context.get(context, CheckoutSessions.CheckoutSessions)
  const { heldShards, nodes } = Context.get(context, Cluster.Cluster)
  const isSettled = Effect.sync(() => nodes() === ports.length && heldShards() > 0)
  await Effect.runPromise(Effect.repeat(isSettled, { until: (all) => all, schedule: Schedule.spaced(100) }))
  const open = (_: unknown, number: number) =>
    Effect.map(sessions.open(Caller.host, { cartId: `${index}-${number}` }), ({ session }) => session.id)
  return ofEffects(effectDoor(sessions), {
    open: (count) => runtime.runPromise(Effect.forEach(Array(count), open, { concurrency: 256 })),
    close: () => runtime.dispose()
  })
}
