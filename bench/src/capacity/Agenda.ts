/** Agenda: the pending steps of a simulation, ordered by time. */

/** Pending steps. */
export interface Agenda {
  readonly add: (at: number, step: () => void) => void
  /** Runs the steps in order until none is left. */
  readonly run: () => void
}

/** Makes an empty agenda: a binary heap. */
export const make = (): Agenda => {
  const heap: Array<{ readonly at: number; readonly step: () => void }> = []
  const swap = (a: number, b: number): void => {
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
  const sink = (): void => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < heap.length && heap[left]!.at < heap[least]!.at) least = left
      if (right < heap.length && heap[right]!.at < heap[least]!.at) least = right
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  return {
    add: (at: number, step: () => void): void => {
      heap.push({ at, step })
      for (let up = heap.length - 1; up > 0 && heap[up]!.at < heap[(up - 1) >> 1]!.at; up = (up - 1) >> 1)
        swap(up, (up - 1) >> 1)
    },
    run: (): void => {
      while (heap.length > 0) {
        const { step } = heap[0]!
        const last = heap.pop()!
        if (heap.length > 0) {
          heap[0] = last
          sink()
        }
        step()
      }
    }
  }
}
