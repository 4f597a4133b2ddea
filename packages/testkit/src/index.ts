export * as BodySuite from "./suites/BodySuite.js"
export * as CheckoutSuite from "./suites/CheckoutSuite.js"
export * as DirectorySuite from "./suites/DirectorySuite.js"
export * as JournalSuite from "./suites/JournalSuite.js"
