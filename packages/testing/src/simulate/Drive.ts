/**
 * Drive: executes a run to its end. After each step all microtasks are done; then one fiber, chosen by the seed,
 * continues, or, if none can, time advances to the next sleeper.
 */
import { nextTurn } from "../machine/EventLoop.js"
import type { SeededScheduler } from "../machine/SeededScheduler.js"
import type { VirtualClock } from "../machine/VirtualClock.js"

/** Steps of one run at most. */
const mostSteps = 500_000

/** Real time that a run waits for files and similar before its virtual time advances, milliseconds. */
const mostRealMillis = 2_000

/** Active resources of the Node process, by kind. */
const underWay = (): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

// Resources from before the run that have ended no longer count.
const more = (before: Map<string, number>): ReadonlyArray<string> => {
  const now = underWay()
  for (const [kind, count] of before) before.set(kind, Math.min(count, now.get(kind) ?? 0))
  return [...now].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind)
}

/** Turns of the real event loop to wait if nothing in the run can continue: about a second. */
const mostIdleTurns = 400

/** How a run ended. `hung`: why it did not end, or null. `escaped`: it waited for something outside the simulation. */
export interface Driven {
  readonly hung: string | null
  readonly escaped: boolean
}

const pause = globalThis.setTimeout

/**
 * Drives until `isOver`. `moves` increases with every action of the run. While a real resource is active (a file, an
 * import), virtual time waits for it. A real timer that advances the run is an escape, because its time is not virtual.
 */
export const drive = async (
  scheduler: SeededScheduler,
  clock: VirtualClock,
  isOver: () => boolean,
  moves: () => number,
  limitMillis: number
): Promise<Driven> => {
  const untilMillis = clock.monotonicMillis() + limitMillis
  const before = underWay()
  let [idleTurns, realMillis, escaped] = [0, 0, false]
  // The value of `moves` when a real timer was seen.
  let atTimer: number | null = null
  for (let steps = 0; steps < mostSteps; steps++) {
    await nextTurn()
    if (atTimer !== null && moves() !== atTimer) escaped = true
    if (isOver()) return { hung: null, escaped }
    if (scheduler.step()) continue
    const real = realMillis < mostRealMillis ? more(before) : []
    if (real.length > 0) {
      atTimer = real.includes("Timeout") ? moves() : null
      await new Promise<void>((resolve) => void pause(resolve, 1))
      realMillis += 1
      continue
    }
    atTimer = null
    if (clock.advance()) {
      idleTurns = 0
      if (clock.monotonicMillis() > untilMillis)
        return { hung: `no end within ${limitMillis} ms of its own time`, escaped }
      continue
    }
    if (++idleTurns > mostIdleTurns) return { hung: "everybody waits for somebody else", escaped }
    if (idleTurns > 2) await new Promise<void>((resolve) => void pause(resolve, 2))
  }
  return { hung: `no end within ${mostSteps} steps`, escaped }
}
