/**
 * SlowDisk: the disk under test with slower syncs, for one subject's process. It shows the cost of a commit on another
 * kind of disk than this machine's. Needs Linux and a C compiler.
 */
import { spawnSync } from "node:child_process"
import * as Record from "@onelane/testkit/Record"
import { makeDirectory } from "./WorkingFolder.js"

/** Whether this machine supports it. */
export const isPossible = (): boolean => process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0

/** The environment of a process whose files are synced `millis` slower. */
export const environment = (millis: number): Readonly<Record<string, string>> => {
  const directory = makeDirectory()
  return { ONELANE_BENCH_DIR: directory, ...Record.slowSyncs(directory, millis) }
}
