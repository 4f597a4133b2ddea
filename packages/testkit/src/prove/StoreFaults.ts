/**
 * StoreFaults: disk faults under the whole engine, under load. Injected: slow, hanging or full disk, writes that fail
 * before, in the middle of or after they were done, failing syncs. Real: a full file system, a second owner, a damaged
 * file, a read-only one. A full disk must heal without a restart. A failed write or sync must end the process, because
 * only reopening the file shows the true content. One history across all of it is checked. Source: TARGETS F4, CONTRACT
 * §2.
 */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Seeded } from "@onelane/testing/Seeded"
import { Effect } from "effect"
import * as RealFaults from "../faults/RealFaults.js"
import * as Record from "../faults/Record.js"
import type { Instrument } from "../Instrument.js"
import { plus, tallyOf } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import type { Service } from "../processes/Service.js"
import * as Kills from "./Kills.js"

/** A run. */
export interface FaultOptions {
  readonly seed: number
  readonly faults: number
  /** Which; default all. */
  readonly only?: ReadonlyArray<Record.Fault> | undefined
  /** Another location of the store, which no fault reaches: a planted fault. */
  readonly planted?: string | undefined
  /** Timeout for a process to end after a fatal disk fault. Default 20,000 ms. */
  readonly endingMillis?: number | undefined
  readonly progress?: ((line: string) => void) | undefined
}

/** Whether a fault must end the process, or the process must continue afterwards. */
const isEnding: Readonly<{ [fault in Record.Fault]: boolean }> = {
  ...{ full: false, slow: false, drag: false, hang: false },
  ...{ write: true, torn: true, late: true, sync: true }
}

/** Runs callers while the disk of `onelane serve` has faults and recovers. */
export const run = ({
  endingMillis = 20_000,
  seed,
  faults,
  only,
  planted,
  progress
}: FaultOptions): Effect.Effect<Kills.KillOutcome> =>
  Effect.gen(function* () {
    const folder = yield* Folder.make()
    const fault = join(yield* Folder.make(), "fault")
    const place = { storage: planted ?? join(folder, "checkout.db"), env: yield* Record.faulting(folder, fault) }
    const strike = strikeWith(fault, only ?? (Object.keys(isEnding) as ReadonlyArray<Record.Fault>), endingMillis)
    return yield* Kills.run({ kind: "http", seed, kills: faults, strike, place, progress })
  }).pipe(Effect.scoped)

const strikeWith = (file: string, faults: ReadonlyArray<Record.Fault>, endingMillis: number) => {
  let count = 0
  return (service: Service, seeded: Seeded): Effect.Effect<Kills.Struck> =>
    Effect.gen(function* () {
      const fault = faults[count++ % faults.length]!
      const isToEnd = isEnding[fault]
      writeFileSync(file, fault)
      const ended = yield* Effect.timeoutOption(service.ended, isToEnd ? endingMillis : seeded.between(50, 1_000))
      rmSync(file)
      if (ended._tag === "None") {
        return isToEnd ? { problem: `it went on serving after "${fault}" of its disk` } : "serves"
      }
      const { code, stderr } = ended.value
      if (!isToEnd) return { problem: `"${fault}" of its disk ended it with ${code}: ${stderr}` }
      return code === 1 ? "gone" : { problem: `"${fault}" of its disk ended it with ${code}: ${stderr}` }
    })
}

/** The result of real faults, and their names. */
export interface RealOutcome extends Kills.KillOutcome {
  readonly struck: ReadonlyArray<string>
}

/** The same with real faults, on a separate small file system if one can be mounted. */
export const runReal = ({ faults, progress, seed }: FaultOptions): Effect.Effect<RealOutcome> =>
  Effect.gen(function* () {
    const disk = yield* RealFaults.smallDisk
    const storage = join(disk.folder, "checkout.db")
    const all = Object.entries(RealFaults.strikesOn(disk))
    let count = 0
    const strike = (service: Service, seeded: Seeded) => all[count++ % all.length]![1](storage, service, seeded)
    const outcome = yield* Kills.run({ kind: "http", seed, kills: faults, strike, place: { storage }, progress })
    return { ...outcome, struck: all.map(([name]) => name) }
  }).pipe(Effect.scoped)

/** F4. */
export const instrument: Instrument = {
  name: "store",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      const faults = short ? Object.keys(isEnding).length : Math.max(42, Math.round(minutes * 14))
      const shimmed = yield* run({ seed, faults, progress })
      const real = yield* runReal({ seed, faults: short ? 4 : Math.max(24, Math.round(minutes * 6)), progress })
      const outcomes = [shimmed, real]
      const tally = outcomes.map(({ history, kills }) => tallyOf(history, kills)).reduce(plus)
      const notes = [
        `${tally.acknowledged} acknowledged, ${tally.refused} refused, ${tally.unknown} unknown`,
        `${real.kills} real faults: ${real.struck.join(", ")}`
      ]
      return { cases: tally.faults, failures: outcomes.flatMap(({ problems }) => problems), notes, tally }
    })
}
