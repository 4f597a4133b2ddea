/**
 * EventLoop: waits for running work in the real event loop: microtasks, and tasks that an engine deferred. It keeps
 * Node's original functions from load time, so fake timers do not stop it.
 */
const turn = setImmediate

/** Turns of the event loop without activity before the work counts as settled. */
const quietTurns = 2

/** Most turns of one wait. */
const mostTurns = 100_000

/** The event loop as an engine under test uses it. */
export interface EventLoop {
  /** Runs a task in a later turn, as the engine's `defer` does. */
  readonly defer: (task: () => void) => void
  /** Records activity. */
  readonly moved: () => void
  /** Resolves when all work has settled that does not wait for time. */
  readonly settled: () => Promise<void>
}

/** Waits for one turn: all microtasks are done, and earlier deferred tasks have run. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => void turn(resolve))

/** Makes one. */
export const make = (): EventLoop => {
  let pending = 0
  let moves = 0
  return {
    defer: (task) => {
      pending += 1
      turn(() => {
        pending -= 1
        moves += 1
        task()
      })
    },
    moved: () => {
      moves += 1
    },
    settled: async () => {
      let quiet = 0
      for (let turns = 0; quiet < quietTurns && turns < mostTurns; turns++) {
        const before = moves
        await nextTurn()
        quiet = pending > 0 || moves !== before ? 0 : quiet + 1
      }
    }
  }
}
