/**
 * Durations: spans and instants as an operator reads them: short, and exact where it counts. Pure: now is given.
 */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const inUnits = (value: number, unit: string): string => `${value} ${unit}`

/** A span, in its largest unit, two where the second one matters: `340 ms`, `12 s`, `4 min`, `3 h 20 min`, `2 d`. */
export const span = (millis: number): string => {
  const given = Math.max(0, Math.round(millis))
  if (given < second) return inUnits(given, "ms")
  if (given < 10 * second) return inUnits(Math.floor(given / 100) / 10, "s")
  if (given < 100 * second) return inUnits(Math.floor(given / second), "s")
  if (given < hour) return inUnits(Math.floor(given / minute), "min")
  if (given < day) {
    const minutes = Math.floor((given % hour) / minute)
    const hours = inUnits(Math.floor(given / hour), "h")
    return minutes === 0 || given >= 10 * hour ? hours : `${hours} ${inUnits(minutes, "min")}`
  }
  return inUnits(Math.floor(given / day), "d")
}

/** A span in whole seconds at the least, and in one unit: `12 s`, `4 min`, `3 h`. */
export const roughly = (millis: number): string => {
  const whole = Math.max(second, Math.floor(millis / second) * second)
  return span(whole >= hour && whole < day ? Math.floor(whole / hour) * hour : whole)
}

/** How long ago, or how far ahead: `now`, `12 s ago`, `in 4 min`. */
export const relative = (at: number, now: number): string => {
  const away = Math.abs(at - now)
  if (away < second) return "now"
  return at <= now ? `${roughly(away)} ago` : `in ${roughly(away)}`
}

/** The exact instant, for a title: `2026-01-31 12:00:00.123 UTC`. */
export const exact = (at: number): string => new Date(at).toISOString().replace("T", " ").replace("Z", " UTC")

/** The time of day with milliseconds, in UTC: what two attempts are told apart by. */
export const timeOfDay = (at: number): string => new Date(at).toISOString().slice(11, 23)

/** A number with its thousands apart. */
export const count = (value: number): string => value.toLocaleString("en-US")

/** A rate, with as many digits as help: `0`, `0.4`, `12.5`, `1,240`. */
export const rate = (perSecond: number): string =>
  perSecond >= 100 ? count(Math.round(perSecond)) : String(Math.round(perSecond * 10) / 10)
