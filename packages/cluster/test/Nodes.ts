/** Nodes of a cluster in one process, and the PostgreSQL under them. */
import { Access, Carts, CheckoutSessions, Flow } from "@onelane/checkout"
import { Cluster } from "@onelane/cluster"
import { AccessSql, CartsSql, DirectorySql, JournalSql } from "@onelane/sql"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import * as PostgresForFile from "@onelane/testkit/PostgresForFile"
import type * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Context, Effect, Layer, Schedule } from "effect"

/** The server of the tests of this file. */
export const postgresForThisFile = (): Effect.Effect<PostgresServer.PostgresServer> =>
  Effect.sync(PostgresForFile.postgresForThisFile())

const tables = Layer.mergeAll(JournalSql.layer, AccessSql.layer, CartsSql.layer, DirectorySql.layer)

/** One node with a client of its own, and the directory. */
export const node = (url: string, flow: Flow.Flow, options: Partial<Cluster.ClusterOptions> = {}) =>
  Layer.fresh(
    Cluster.layer({
      host: "127.0.0.1",
      secret: "test",
      ...options,
      engine: { flow, taskDrainMillis: 0, ...options.engine }
    }).pipe(Layer.provideMerge(tables), Layer.provide(PostgresClient.layer({ url })))
  )

/** One node, on the flow `any` unless said, ports that trust everybody; clients of its own, its leases by `leases` as by `onelane serve`. */
export const trusting = (url: string, options: Partial<Cluster.ClusterOptions> = {}, leases = url) =>
  Layer.fresh(
    Cluster.layer({
      host: "127.0.0.1",
      secret: "test",
      ...options,
      engine: { flow: Flow.any, ...options.engine }
    }).pipe(
      Layer.provide(JournalSql.layer.pipe(Layer.provide(PostgresClient.layer({ url })))),
      Layer.provide([Access.layerTrusted, Carts.layerTrusted]),
      Layer.provide(PostgresClient.layer({ url: leases, connections: 4 }))
    )
  )

/** Waits until every node holds shards and all of them see each other. */
export const settled = (nodes: ReadonlyArray<Cluster.ClusterShape>): Effect.Effect<void> =>
  Effect.sync(() => nodes.every((each) => each.nodes() === nodes.length && each.heldShards() > 0)).pipe(
    Effect.repeat({ until: (all) => all, schedule: Schedule.spaced(50) }),
    Effect.asVoid
  )

/** A service behind which `count` nodes answer in turn. */
export const roundRobin = (server: PostgresServer.PostgresServer, flow: Flow.Flow, count = 3) =>
  Layer.scopedContext(
    Effect.gen(function* () {
      const url = yield* server.makePlace
      const building = Array.from({ length: count }, () => Layer.build(node(url, flow)))
      const nodes = yield* Effect.all(building, { concurrency: "unbounded" })
      yield* settled(nodes.map((each) => Context.get(each, Cluster.Cluster)))
      const services = nodes.map((each) => Context.get(each, CheckoutSessions.CheckoutSessions))
      let turn = 0
      const next = () => services[turn++ % count]!
      return Context.add(nodes[0]!, CheckoutSessions.CheckoutSessions, {
        open: (caller, input, wait) => next().open(caller, input, wait),
        update: (caller, input, wait) => next().update(caller, input, wait),
        find: (caller, input) => next().find(caller, input),
        get: (caller, input, wait) => next().get(caller, input, wait),
        cancel: (caller, input) => next().cancel(caller, input),
        history: (caller, input) => next().history(caller, input),
        follow: (caller, input) => next().follow(caller, input),
        changes: (caller, input) => next().changes(caller, input),
        completeTask: (caller, input, wait) => next().completeTask(caller, input, wait),
        failTask: (caller, input) => next().failTask(caller, input),
        releaseClaim: (caller, input) => next().releaseClaim(caller, input),
        move: (caller, input) => next().move(caller, input),
        sessions: (caller, input) => next().sessions(caller, input),
        claims: (caller, input) => next().claims(caller, input)
      })
    })
  )
