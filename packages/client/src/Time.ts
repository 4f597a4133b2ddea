/**
 * Time: pauses and timeouts. Timers that are no longer needed are cleared.
 */

/** Most milliseconds of an option, so that the sum of two never exceeds the limit of a timer (2,147,483,647). */
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

/** A signal that fires with another one, or when `abort` is called. `leave` detaches it from the other one. */
export const followed = (signal: AbortSignal | undefined) => {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  signal?.addEventListener("abort", abort)
  if (signal?.aborted === true) abort()
  return { signal: controller.signal, abort, leave: () => signal?.removeEventListener("abort", abort) }
}

/**
 * Resolves with the result of `work`, with `late()` after a timeout, or with `aborted()` when the signal fires. In the
 * last two cases, aborts the work's signal.
 */
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
    const stop = (answer: () => A) => (): void => {
      leave()
      resolve(answer())
      controller.abort()
    }
    const onAbort = stop(aborted)
    const timer = setTimeout(stop(late), millis)
    signal?.addEventListener("abort", onAbort)
    work(controller.signal).then(resolve, reject).finally(leave)
    if (signal?.aborted === true) onAbort()
  })
