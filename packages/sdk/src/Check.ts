/**
 * Check: checks a history that you recorded through the service or wrote by hand: did every session keep the promise?
 * Import it as `@onelane/sdk/check`; the SDK itself does not load it.
 */
export * from "@onelane/history"
