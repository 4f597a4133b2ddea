/**
 * Supervision: handles defects. If a behavior or port throws, the caller of that command gets the defect; the address
 * is freed, its state is unchanged (it is immutable and set only when a turn succeeded), and the next turn runs. Every
 * defect is counted, and logged at most once a second.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Address } from "../Address.js"
import * as AddressKey from "../Address.js"
import type { EngineMetrics } from "./EngineMetrics.js"
import * as RareLog from "./RareLog.js"

/** Turns a defect into the caller's exit. */
export interface Supervision {
  readonly onDefect: (address: Address, defect: unknown) => Exit.Exit<never>
}

/** Makes the supervision of one actor system. */
export const make = (metrics: EngineMetrics): Effect.Effect<Supervision> =>
  Effect.map(RareLog.make, (log) => ({
    onDefect: (address, defect) => {
      metrics.defects += 1
      log("defect in a turn", { address: AddressKey.key(address) }, defect)
      return Exit.die(defect)
    }
  }))
