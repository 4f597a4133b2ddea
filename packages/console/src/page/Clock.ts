/**
 * Clock: the current time and timers of this page. Only this module reads the clock; components get times as values.
 */

/** Now, epoch milliseconds. */
export const now = (): number => Date.now()

/** Calls back every `millis` milliseconds. Returns the function that stops it. */
export const every = (millis: number, call: () => void): (() => void) => {
  const timer = setInterval(call, millis)
  return () => clearInterval(timer)
}

/** Calls back once. Returns the function that cancels it. */
export const after = (millis: number, call: () => void): (() => void) => {
  const timer = setTimeout(call, millis)
  return () => clearTimeout(timer)
}
