/**
 * Check: judges a run of yours, recorded through the service or written down by hand: did every session keep the promise?
 * Imported as `@onelane/sdk/check`; the service itself loads nothing of it.
 */
export * from "@onelane/history"
