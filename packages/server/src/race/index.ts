/** Race: judges any checkout; exports the types of an adapter. Import it as `@onelane/server/race`. */
export type * from "./Adapter.js"
export { defineAdapter } from "./Adapter.js"
export { type RaceLimits, type RaceOptions, type RaceOutcome, run, type ScenarioOutcome } from "./Race.js"
