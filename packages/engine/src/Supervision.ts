/**
 * Supervision: what a defect does. A behavior or port that throws fails the caller whose command it was; the lane is
 * freed, the state is what it was before the turn (it is immutable and set only when a turn succeeded), and the next
 * turn runs. Every defect is counted; the log gets at most one line a second per system.
 */
import { Cause, Clock, Effect, Exit, Runtime } from "effect"
import type { Address } from "./Address.js"
import * as AddressKey from "./Address.js"
import type { EngineMetrics } from "./EngineMetrics.js"

/** Turns a defect into the caller's exit. */
export interface Supervision {
  readonly onDefect: (address: Address, defect: unknown) => Exit.Exit<never>
}

const logEveryMillis = 1_000

/** Makes the supervision of one actor system. */
export const make = (metrics: EngineMetrics): Effect.Effect<Supervision> =>
  Effect.gen(function* () {
    const runtime = yield* Effect.runtime<never>()
    const clock = yield* Clock.clockWith(Effect.succeed)
    let loggedAtMillis = Number.NEGATIVE_INFINITY
    let unlogged = 0
    return {
      onDefect: (address, defect) => {
        metrics.defects += 1
        const nowMillis = clock.unsafeCurrentTimeMillis()
        if (nowMillis - loggedAtMillis < logEveryMillis) {
          unlogged += 1
        } else {
          loggedAtMillis = nowMillis
          Runtime.runFork(runtime)(
            Effect.annotateLogs(Effect.logError("defect in a turn", Cause.die(defect)), {
              address: AddressKey.key(address),
              unlogged
            })
          )
          unlogged = 0
        }
        return Exit.die(defect)
      }
    }
  })
