/** Check: what Node imports as `@onelane/sdk/check`; see `Main`. */
import "./Supported.js"

/** The exports of `Check`, by the same names: a test compares them. */
export const { History, HistoryLines, Recorder, SessionData, TimeLine, checkHistory, optionsOf } = await import(
  "../Check.js"
)
