/**
 * FairnessValve: keeps timers and sockets alive under saturating in-process load.
 *
 * A turn on the caller's stack is answered at once, so callers in a loop never suspend and the event loop starves: on
 * this Effect line the scheduler's yield counter is per fiber and starts anew when a fiber parks. When answers have been
 * given for `valveMillis` within one turn of the event loop, the next answers wait for the next turn. Decisions never wait.
 */

/** How many answers pass between two looks at the clock. */
const answersPerLook = 16

/** Whether an answer may be given at once, and the next turn of the event loop for those that may not. */
export interface FairnessValve {
  readonly pass: () => boolean
  /** Gives an answer in the next turn of the event loop: all that wait together, so that no caller runs ahead of the others. */
  readonly later: (answer: () => void) => void
}

/** Makes a valve; `defer` runs a task in the next turn of the event loop. A limit of infinity never closes it. */
export const make = (limitMillis: number, defer: (task: () => void) => void): FairnessValve => {
  if (limitMillis === Number.POSITIVE_INFINITY) return { pass: () => true, later: defer }
  let armed = false
  let openedAtMillis = 0
  let answers = 0
  let open = true
  let waiting: Array<() => void> = []
  const rearm = () => {
    armed = false
    open = true
    answers = 0
    const due = waiting
    waiting = []
    for (const answer of due) answer()
  }
  return {
    pass: () => {
      if (!armed) {
        armed = true
        openedAtMillis = performance.now()
        defer(rearm)
      } else if (open && ++answers % answersPerLook === 0) {
        open = performance.now() - openedAtMillis < limitMillis
      }
      return open
    },
    // Asked for only after `pass` said no: the valve is armed.
    later: (answer) => void waiting.push(answer)
  }
}
