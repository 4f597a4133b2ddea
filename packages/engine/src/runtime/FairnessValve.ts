/**
 * FairnessValve: keeps timers and sockets alive under saturating in-process load.
 *
 * A turn on the caller's stack is answered at once, so callers in a loop never suspend and the event loop starves: in
 * this version of Effect the scheduler counts per fiber and starts over when a fiber parks. When answers have been
 * given for `valveMillis` within one turn of the event loop, the next answers wait for the next turn. Decisions never
 * wait.
 */

/** Answers between two reads of the clock. */
const answersPerLook = 16

/** Decides whether an answer is given at once or in the next turn of the event loop. */
export interface FairnessValve {
  readonly pass: () => boolean
  /**
   * Gives an answer in the next turn of the event loop, together with all others that wait, so no caller runs ahead.
   */
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
    // Called only after `pass` returned false, so the valve is armed.
    later: (answer) => void waiting.push(answer)
  }
}
