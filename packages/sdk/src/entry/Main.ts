/**
 * Main: what Node imports as `@onelane/sdk`. It looks at the version of Effect before it loads anything that needs it: beside
 * Effect 4 the error would be a file that cannot be found. Bundlers and `require` take `index`, which is the same without the
 * look: both want modules that wait for nothing.
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
