/**
 * Peers: workflow engines that no lockfile of ours names, from the folder that `ONELANE_PEERS` gives (NOTES.md, P15, has the
 * command that fills it), and the route as each of them walks it. A peer that is not there is left out.
 */
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { isWorkedOn, stateAt, transitions } from "./Route.js"

/** The peers: DBOS Transact on PostgreSQL, and Restate with a server of its own. */
export const peers = ["DBOS", "Restate"] as const

/** One of them. */
export type Peer = (typeof peers)[number]

/**
 * How a peer's checkout is moved. By one call that runs through all its work: the least that a workflow can cost, for no
 * caller moves it from state to state. Or driven: by a call for each transition, as ours is.
 */
export const manners = ["one call", "driven"] as const

/** One of them. */
export type Manner = (typeof manners)[number]

const restateServer = `@restatedev/restate-server-${process.platform}-${process.arch}`

const packages: Readonly<Record<Peer, ReadonlyArray<string>>> = {
  DBOS: ["@dbos-inc/dbos-sdk"],
  Restate: [restateServer, "@restatedev/restate-sdk", "@restatedev/restate-sdk-clients"]
}

const folder = (): string | null => (process.env.ONELANE_PEERS ? resolve(process.env.ONELANE_PEERS) : null)

const folderOf = (name: string): string => join(folder()!, "node_modules", name)

/** Why a peer cannot be measured here; null when it can. */
export const absence = (peer: Peer): string | null => {
  const fill = "bench/NOTES.md has the command that installs the peers"
  if (folder() === null) return `ONELANE_PEERS is not set; ${fill}`
  const gone = packages[peer].filter((name) => !existsSync(join(folderOf(name), "package.json")))
  return gone.length === 0 ? null : `ONELANE_PEERS has no ${gone.join(", ")}; ${fill}`
}

/** The version of a peer that is there, of its SDK and of its server where it has one. */
export const versionOf = (peer: Peer): string =>
  packages[peer]
    .slice(0, 2)
    .map((name) => JSON.parse(readFileSync(join(folderOf(name), "package.json"), "utf8")).version)
    .join(", SDK ")

/** Loads a package of the folder. */
export const load = <A>(name: string): A => createRequire(join(folderOf(name), "package.json"))(name)

/** The server of Restate. */
export const restateCommand = (): string => join(folderOf(restateServer), "bin/restate-server")

/** What a workflow does for its checkout, each durably. */
export interface Steps {
  /** Waits for the call that moves the checkout to a state, and gives the state that the caller named. */
  readonly hear: (state: string) => Promise<string>
  readonly work: (state: string) => Promise<unknown>
  /** Tells the waiting caller that the checkout has arrived. */
  readonly tell: (state: string) => Promise<unknown>
}

/** Walks a checkout through its route; gives the states it came to. */
export const follow = async (manner: Manner, { hear, tell, work }: Steps): Promise<ReadonlyArray<string>> => {
  const way: Array<string> = []
  for (let index = 0; index < transitions; index++) {
    const state = stateAt(index + 1)
    way.push(manner === "driven" ? await hear(state) : state)
    if (!isWorkedOn(index)) continue
    await work(state)
    if (manner === "driven") await tell(state)
  }
  return way
}

/** What is wrong with the way of a checkout, or null. */
export const faultOf = (id: string, way: ReadonlyArray<string> | null): string | null => {
  const isWhole = way?.length === transitions && way.every((state, index) => state === stateAt(index + 1))
  return isWhole ? null : `${id}: ${way?.join(", ") ?? "has no end"}`
}
