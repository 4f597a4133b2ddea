/** One turn at a time per address; nothing leaves before it is durable. */
export * as Address from "./Address.js"
export type * as Behavior from "./Behavior.js"
export * as EngineError from "./EngineError.js"
export * as Journal from "./Journal.js"
export * as JournalMemory from "./JournalMemory.js"
