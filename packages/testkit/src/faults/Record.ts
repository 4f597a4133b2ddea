/**
 * Record: everything that a process did to the files of one folder, in order, as recorded by the shim `record.c`:
 * writes, creations, removals and syncs.
 *
 * Owns the format; does not own what a power cut may leave of it (Disks).
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"

/** One operation on the file `name` (within the folder). */
export type Step =
  | { readonly what: "make" | "remove" | "sync" | "syncFolder"; readonly name: string }
  | { readonly what: "write"; readonly name: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly what: "cut"; readonly name: string; readonly length: number }
  | { readonly what: "link"; readonly name: string; readonly from: string }

const kinds = ["make", "remove", "sync", "syncFolder", "write", "cut", "link"] as const

/** Reads a record. The last step is dropped if it is incomplete, because the process was killed in the middle of it. */
export const read = (file: string): ReadonlyArray<Step> => {
  const bytes = readFileSync(file)
  const steps: Array<Step> = []
  for (let at = 0; at + 24 <= bytes.length; ) {
    const kind = kinds[bytes.readUInt32LE(at)]!
    const nameLength = bytes.readUInt32LE(at + 4)
    const number = Number(bytes.readBigInt64LE(at + 8))
    const length = Number(bytes.readBigInt64LE(at + 16))
    const from = at + 24 + nameLength
    at = from + length
    if (at > bytes.length) break
    const name = bytes.toString("utf8", from - nameLength, from)
    if (kind === "write") steps.push({ what: kind, name, offset: number, bytes: bytes.subarray(from, at) })
    else if (kind === "link") steps.push({ what: kind, name, from: bytes.toString("utf8", from, at) })
    else if (kind === "cut") steps.push({ what: kind, name, length: number })
    else steps.push({ what: kind, name })
  }
  return steps
}

/** Builds the shim in `folder`. Linux, with a C compiler. */
const build = (folder: string): string => {
  const shim = join(folder, "record.so")
  const source = fileURLToPath(new URL("../../../sql/test/programs/record.c", import.meta.url))
  execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl", "-lpthread"])
  return shim
}

type Environment = Effect.Effect<Readonly<Record<string, string>>>

/** The environment of a process whose operations in `folder` are recorded in the file `record`. */
export const recording = (folder: string, record: string): Environment =>
  Effect.sync(() => ({ LD_PRELOAD: build(dirname(record)), ONELANE_RECORD: record, ONELANE_RECORD_FOLDER: folder }))

/**
 * Faults of a disk: full; a write that fails before (`write`), in the middle of (`torn`) or after it is done (`late`);
 * a failing sync; all writes slow (20 ms each), only syncs slow (`drag`: 10 ms each), or everything hanging until the
 * fault is over.
 */
export type Fault = "full" | "write" | "torn" | "late" | "sync" | "slow" | "drag" | "hang"

/** The environment of a process whose disk, in `folder`, has a fault while the file `fault` names one. */
export const faulting = (folder: string, fault: string): Environment =>
  Effect.sync(() => ({ LD_PRELOAD: build(dirname(fault)), ONELANE_FAULT: fault, ONELANE_RECORD_FOLDER: folder }))

/** The environment of a process whose every sync in `folder` takes this much longer; the shim is built there, too. */
export const slowSyncs = (folder: string, millis: number): Readonly<Record<string, string>> => ({
  LD_PRELOAD: build(folder),
  ONELANE_SYNC_MILLIS: `${millis}`,
  ONELANE_RECORD_FOLDER: folder
})
