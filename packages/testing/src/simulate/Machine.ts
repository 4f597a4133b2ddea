/**
 * Machine: runs the process of a simulation. It starts the process over a journal that survives it, kills it, and
 * starts the next one.
 */
import { JournalMemory } from "@onelane/engine"
import type { EmbeddedCheckout } from "@onelane/sdk"
import { Mountable, openIn } from "@onelane/sdk/testing"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Layer from "effect/Layer"
import * as JournalFaults from "../machine/JournalFaults.js"
import * as Processes from "../machine/Processes.js"
import type { Seeded } from "../machine/Seeded.js"
import type { SeededScheduler } from "../machine/SeededScheduler.js"
import { type AppUnderTest, appOf, type World } from "../World.js"
import * as AppInProcess from "./AppInProcess.js"
import type { Choices } from "./Choices.js"
import type { Served } from "./Network.js"

/** What a machine needs. */
export interface Parts {
  readonly app: AppUnderTest
  readonly world: World
  readonly choices: Choices
  /** The clock, the scheduler and the randomness of the run. */
  readonly layer: Layer.Layer<never>
  readonly scheduler: SeededScheduler
  readonly seeded: Seeded
  readonly note: (line: string) => void
}

/** A machine. */
export interface Machine {
  readonly served: () => Served | null
  readonly start: () => Promise<void>
  /** Kills the process and starts the next one; does nothing if none runs. */
  readonly crash: () => Promise<void>
  /** The plan of store faults. */
  readonly storeFaults: JournalFaults.SeededPlan
  /** The journal that survives crashes. */
  readonly disk: ReturnType<typeof JournalMemory.make>
  /** Closes the process, and waits for those that were killed. */
  readonly stop: () => Promise<void>
}

interface Running extends Served {
  readonly checkout: EmbeddedCheckout<any>
  readonly process: Processes.Process
  readonly cut: () => void
}

/** Longest time until a process runs again, milliseconds. */
const mostDownMillis = 50

/** Makes one; nothing runs before it is started. */
export const make = (parts: Parts): Machine => {
  const { choices, note, seeded, world } = parts
  const disk = JournalMemory.make()
  const storeFaults = JournalFaults.seeded(seeded.split(), choices.store, choices.latencyMillis * 2)
  const closing: Array<Promise<unknown>> = []
  let running: Running | null = null
  let starts = 0
  const start = async (): Promise<void> => {
    const process: Processes.Process = { name: `process ${++starts}`, isAlive: true }
    running = await open(parts, process, disk, storeFaults)
    note(`${process.name} runs`)
  }
  const kill = ({ checkout, cut, died, process }: Running): void => {
    note(`${process.name} is killed`)
    process.isAlive = false
    cut()
    Deferred.unsafeDone(died, Exit.void)
    closing.push(checkout.close())
  }
  return {
    served: () => running,
    start,
    crash: async () => {
      if (running === null) return
      const killed = running
      running = null
      kill(killed)
      await world.clock.sleep(seeded.between(1, mostDownMillis))
      await start()
    },
    storeFaults,
    disk,
    stop: async () => {
      if (running !== null) closing.push(running.checkout.close())
      await Promise.allSettled(closing)
    }
  }
}

const open = async (
  { app, layer, note, scheduler, world }: Parts,
  process: Processes.Process,
  disk: Machine["disk"],
  plan: JournalFaults.SeededPlan
): Promise<Running> => {
  const connection = JournalFaults.cuttable(disk)
  const around = {
    layer,
    journal: JournalFaults.wrap(connection.journal, plan),
    // The fairness valve depends on real time, so it is turned off.
    engine: { defer: scheduler.defer, asyncContext: null, valveMillis: Number.POSITIVE_INFINITY }
  }
  const checkout = await Processes.within(process, async () => {
    const made = AppInProcess.make(appOf(app, world), process, note)
    return openIn({ ...made, storage: ":memory:" }, around)
  })
  const calls = Mountable.of(checkout)!.engine.calls
  return { calls, checkout, process, cut: connection.cut, died: Effect.runSync(Deferred.make<void>()) }
}
