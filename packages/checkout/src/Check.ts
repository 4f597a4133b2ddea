/**
 * Check: whether a recorded run kept the promise. For users who want to judge a run of their own, and for the proofs.
 *
 * Nothing of it is loaded by the service.
 */
export * as History from "./check/History.js"
export { type CheckOptions, checkHistory } from "./check/Linearizable.js"
export * as Recorder from "./check/Recorder.js"
export * as TimeLine from "./check/TimeLine.js"
export type * as Verdict from "./check/Verdict.js"
