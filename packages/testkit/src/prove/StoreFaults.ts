/**
 * StoreFaults: a disk that goes wrong under the whole engine, under load: no room for a while, writes that fail, syncs that
 * fail. A full disk heals without a restart; a failed write or sync ends the process, for only opening the file anew tells
 * what is true. One history across all of it is judged. Source: TARGETS F4, SEMANTICS §2.
 */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import * as Folder from "../Folder.js"
import type { Instrument } from "../Instrument.js"
import { tallyOf } from "../Instrument.js"
import * as Record from "../Record.js"
import type { Seeded } from "../Seeded.js"
import type { Service } from "../Service.js"
import * as Kills from "./Kills.js"

/** A run. */
export interface FaultOptions {
  readonly seed: number
  readonly faults: number
  readonly progress?: ((line: string) => void) | undefined
}

const faults: ReadonlyArray<Record.Fault> = ["full", "write", "sync"]

/** A process whose disk is broken for good has this long to end. */
const endingMillis = 10_000

/** Lets callers call while the disk of `onelane serve` goes wrong and is well again. */
export const run = ({ seed, faults, progress }: FaultOptions): Effect.Effect<Kills.KillOutcome> =>
  Effect.gen(function* () {
    const folder = yield* Folder.make()
    const fault = join(yield* Folder.make(), "fault")
    const place = { storage: join(folder, "checkout.db"), env: yield* Record.faulting(folder, fault) }
    return yield* Kills.run({ kind: "http", seed, kills: faults, strike: strikeWith(fault), place, progress })
  }).pipe(Effect.scoped)

const strikeWith =
  (file: string) =>
  (service: Service, seeded: Seeded): Effect.Effect<Kills.Struck> =>
    Effect.gen(function* () {
      const fault = seeded.pick(faults)
      writeFileSync(file, fault)
      const ending = Effect.timeoutOption(service.ended, fault === "full" ? seeded.between(50, 500) : endingMillis)
      const ended = yield* ending
      rmSync(file)
      if (ended._tag === "None") {
        return fault === "full" ? "serves" : { problem: `it went on serving after a ${fault} had failed` }
      }
      const { code, stderr } = ended.value
      if (fault === "full") return { problem: `a full disk ended it with ${code}: ${stderr}` }
      return code === 1 ? "gone" : { problem: `a failed ${fault} ended it with ${code}: ${stderr}` }
    })

/** F4. */
export const instrument: Instrument = {
  name: "store",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      const { history, kills, problems } = yield* run({
        ...{ seed, progress },
        faults: short ? 8 : Math.max(60, Math.round(minutes * 24))
      })
      const tally = tallyOf(history, kills)
      const notes = [`${tally.acknowledged} acknowledged, ${tally.refused} refused, ${tally.unknown} unknown`]
      return { cases: kills, failures: problems, notes, tally }
    })
}
