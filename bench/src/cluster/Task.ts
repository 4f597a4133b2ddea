/**
 * Task: one runner of a cluster with callers of its own, in a process of its own, on a core of its own if there is one.
 * Its callers use sessions that nobody else uses. The cluster decides which runner owns them, so with two runners half
 * of all calls are forwarded.
 */
import { execFileSync } from "node:child_process"
import type { Load } from "../Load.js"
import * as Runner from "../Runner.js"
import { entityRunner } from "./EntityRunner.js"
import { onelaneRunner } from "./OnelaneRunner.js"

/** What `start` is given. */
export interface Options {
  readonly kind: "onelane" | "entity"
  readonly url: string
  /** Which of the runners this is, how many there are, and a free port for each. */
  readonly index: number
  readonly ports: ReadonlyArray<number>
  readonly load: Load
}

/** Binds this process, with all its threads, to one core. */
const pin = (core: number): void => void execFileSync("taskset", ["-a", "-cp", String(core), String(process.pid)])

/** Joins the cluster, waits until all are there and own their share, and opens the sessions of its callers. */
export const start = async (options: Options): Promise<Runner.Runner> => {
  // The first runner gets the last core, because the other load of the machine is mostly on the first cores.
  pin(1 - (options.index % 2))
  const subject = await (options.kind === "onelane" ? onelaneRunner(options) : entityRunner(options))
  return Runner.make(subject, options.load)
}
