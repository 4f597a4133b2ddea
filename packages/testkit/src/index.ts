export * as CheckoutSuite from "./CheckoutSuite.js"
export * as JournalSuite from "./JournalSuite.js"
