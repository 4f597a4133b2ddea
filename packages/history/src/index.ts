/**
 * Check: checks that a recorded run kept the guarantee. For users who want to check their own runs, and for the proofs.
 *
 * The service never loads it.
 */
export { optionsOf } from "./FlowOptions.js"
export * as History from "./History.js"
export * as HistoryLines from "./HistoryLines.js"
export { type CheckOptions, checkHistory } from "./Linearizable.js"
export * as Recorder from "./Recorder.js"
export * as SessionData from "./SessionData.js"
export * as TimeLine from "./TimeLine.js"
export type * as Verdict from "./Verdict.js"
