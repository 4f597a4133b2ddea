/**
 * Main: what Node imports as `@onelane/sdk`. It checks the version of Effect before it loads anything that needs it:
 * with Effect 4 the error would otherwise be a missing file. Bundlers and `require` use `index`, which is the same
 * without the check, because neither supports a top-level `await` here.
 */
import "./Supported.js"

/** The exports of `index`, by the same names: a test compares them. */
export const {
  Access,
  Caller,
  Carts,
  CheckoutError,
  CheckoutSession,
  CheckoutSessions,
  CheckoutTasks,
  ClusterRefused,
  Directory,
  DirectoryError,
  Flow,
  Onelane,
  OnelaneError,
  Retention,
  Task,
  defineApp
} = await import("../index.js")
