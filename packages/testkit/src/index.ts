export * as CheckoutSuite from "./CheckoutSuite.js"
export * as DirectorySuite from "./DirectorySuite.js"
export * as JournalSuite from "./JournalSuite.js"
