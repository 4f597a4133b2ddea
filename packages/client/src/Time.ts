/**
 * Time: pauses, and bounds on how long something may take. A timer that is not needed any more is cleared.
 */

/** Most milliseconds of an option, so that no sum of two goes beyond what a timer takes (2,147,483,647). */
export const millisMax = 1_000_000_000

/** Waits; resolves early when the signal fires. */
export const pause = (millis: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", end)
      resolve()
    }
    const timer = setTimeout(end, millis)
    signal?.addEventListener("abort", end)
    if (signal?.aborted === true) end()
  })

/** What `work` gives; or `late()` when the time is over, or `aborted()` when the signal fires, and then the work's signal fires. */
export const within = <A>(
  millis: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<A>,
  late: () => A,
  aborted: () => A
): Promise<A> =>
  new Promise((resolve, reject) => {
    const controller = new AbortController()
    const leave = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener("abort", onAbort)
    }
    const stop = (answer: A): void => {
      leave()
      resolve(answer)
      controller.abort()
    }
    const onAbort = (): void => stop(aborted())
    const timer = setTimeout(() => stop(late()), millis)
    signal?.addEventListener("abort", onAbort)
    work(controller.signal).then(resolve, reject).finally(leave)
    if (signal?.aborted === true) onAbort()
  })
