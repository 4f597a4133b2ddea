/** Storages: an empty place on every storage that `Onelane.open` takes, and the PostgreSQL of a test file. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll } from "vitest"

/** Where the checkouts of one test are opened; `cluster`: each as a node. */
export interface Place {
  readonly storage: string
  readonly cluster: boolean
}

/** Makes an empty place. */
export type MakePlace = () => Promise<Place>

/** Every storage by name, for the test file that calls it; starts one PostgreSQL. */
export const makeStorages = () => {
  const scope = Effect.runSync(Scope.make())
  const folders: Array<string> = []
  let postgres: PostgresServer.PostgresServer
  beforeAll(async () => {
    postgres = await Effect.runPromise(Scope.extend(PostgresServer.make(), scope))
  }, 180_000)
  afterAll(async () => {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }, 180_000)
  const file = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "onelane-storage-"))
    folders.push(folder)
    return join(folder, "checkout.db")
  }
  const onPostgres = (cluster: boolean) => async (): Promise<Place> => ({
    storage: await Effect.runPromise(postgres.makePlace),
    cluster
  })
  return {
    "in memory": async (): Promise<Place> => ({ storage: ":memory:", cluster: false }),
    "on an SQLite file": async (): Promise<Place> => ({ storage: file(), cluster: false }),
    "on PostgreSQL": onPostgres(false),
    "in a cluster": onPostgres(true)
  }
}

/** The options of one checkout there. */
export const optionsOf = ({ cluster, storage }: Place) =>
  cluster ? { storage, cluster: { address: "127.0.0.1:0" } } : { storage }
