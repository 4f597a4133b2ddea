/** Storages: an empty place on every storage that `Onelane.open` takes, and the PostgreSQL of a test file. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { Effect } from "effect"
import { afterAll } from "vitest"

/** Where the checkouts of one test are opened; `cluster`: each as a node. */
export interface Place {
  readonly storage: string
  readonly cluster: boolean
}

/** Makes an empty place. */
export type MakePlace = () => Promise<Place>

/** Every storage by name, for the test file that calls it; starts one PostgreSQL. */
export const makeStorages = () => {
  const postgres = postgresForThisFile()
  const folders: Array<string> = []
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const file = (): string => {
    const folder = mkdtempSync(join(tmpdir(), "onelane-storage-"))
    folders.push(folder)
    return join(folder, "checkout.db")
  }
  const onPostgres = (cluster: boolean) => async (): Promise<Place> => ({
    storage: await Effect.runPromise(postgres().makePlace),
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
