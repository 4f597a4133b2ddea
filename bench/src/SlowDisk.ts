/**
 * SlowDisk: the disk under test with slower syncs, for a subject whose process is started so: what a commit costs on a disk
 * of another kind than this machine's. Linux, with a C compiler.
 */
import { spawnSync } from "node:child_process"
import * as Record from "@onelane/testkit/Record"
import { makeDirectory } from "./WorkingFolder.js"

/** Whether this machine can. */
export const isPossible = (): boolean => process.platform === "linux" && spawnSync("cc", ["--version"]).status === 0

/** The environment of a process whose files are synced `millis` slower. */
export const environment = (millis: number): Readonly<Record<string, string>> => {
  const directory = makeDirectory()
  return { ONELANE_BENCH_DIR: directory, ...Record.slowSyncs(directory, millis) }
}
