/**
 * Task: a server of event streams in this process, and a process that reads them; only the CPU time and heap of this
 * process count. The task of P17. A round makes changes at a steady rate and waits until every stream has received all
 * of them.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type Runner, timed } from "../Runner.js"
import type { Order, Told } from "./Readers.js"
import { servers } from "./Servers.js"

/** What `start` is given. */
export interface Options {
  readonly server: keyof typeof servers
  readonly streams: number
  readonly sessions: number
  readonly changesPerSecond: number
  readonly changes: number
}

/**
 * Changes made at full speed before the first round: at a steady rate a round is too short for V8 to compile its code.
 */
const warmingChanges = 4_000

const collected = async (): Promise<number> => {
  for (let turn = 0; turn < 4; turn++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

/** Starts the server and its readers. */
export const start = async ({ server, streams, sessions, changes, changesPerSecond }: Options): Promise<Runner> => {
  const { close, ids, move, port } = await servers[server](sessions)
  const readers = fork(fileURLToPath(new URL("./Readers.js", import.meta.url)), ["readers"])
  const ask = async (order: Order): Promise<Told> => {
    readers.send(order)
    const [told] = await once(readers, "message")
    return told as Told
  }
  // The first streams load shared code; the memory of a silent stream does not include it.
  await ask({ port, ids, streams: sessions })
  const before = await collected()
  const opened = await ask({ port, ids, streams: streams - sessions })
  const heapEach = ((await collected()) - before) / (streams - sessions)
  let fault = opened.fault ?? (opened.opened === streams ? null : `${opened.opened} of ${streams} streams opened`)
  let counted = 0
  let moved = 0
  for (let change = 0; change < warmingChanges; change++) await move(moved++ % sessions)
  fault ??= (await ask({ expected: (warmingChanges * streams) / sessions })).fault
  const makeChanges = async (): Promise<void> => {
    const beganMillis = performance.now()
    for (let change = 0; change < changes; change++) {
      const aheadMillis = beganMillis + (change * 1_000) / changesPerSecond - performance.now()
      if (aheadMillis > 1) await sleep(aheadMillis)
      await move(moved++ % sessions)
    }
  }
  return {
    round: async () => {
      let told: Told | undefined
      const expected = changes * (streams / sessions)
      const time = await timed(async () => {
        await makeChanges()
        told = await ask({ expected })
      })
      fault ??= told!.fault
      counted += expected
      const { p50, p99 } = told!
      return { operations: expected, accepted: expected, refused: 0, ...time, more: { heapEach, p50, p99 } }
    },
    finish: async () => {
      readers.disconnect()
      await close()
      return { counted, judged: counted, fault }
    }
  }
}
