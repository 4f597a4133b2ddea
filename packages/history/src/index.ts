/**
 * Check: whether a recorded run kept the promise. For users who want to judge a run of their own, and for the proofs.
 *
 * Nothing of it is loaded by the service.
 */
export * as History from "./History.js"
export { type CheckOptions, checkHistory } from "./Linearizable.js"
export * as Recorder from "./Recorder.js"
export * as SessionData from "./SessionData.js"
export * as TimeLine from "./TimeLine.js"
export type * as Verdict from "./Verdict.js"
