/**
 * FlowVersion: the version of a flow, and the new names of states that it no longer has. A session remembers the
 * version of the flow that wrote it; a flow of a later version migrates it when it is read (MigrateSession).
 *
 * Owns the validation of a host's `version` and `migrate`. Does not own what a migration does to a session.
 */
import { errorState, shownState, stateFault } from "../session/CheckoutState.js"
import { FixedMap } from "./Fixed.js"

/** The default version of a flow. */
export const firstVersion = 1

/** Former state to its new name, as written by a host. */
export type Renames<State extends string = string> = { readonly [Former in string]: State }

/** Returns why this is not a valid flow version, or null. */
export const versionFault = (version: unknown): string | null =>
  Number.isSafeInteger(version) && (version as number) >= firstVersion
    ? null
    : `the version must be a whole number from ${firstVersion} on`

/**
 * Returns why these renames are invalid, or null: a former name is still a state or no valid name, or a new name is no
 * state. A chain of renames is refused, too: its middle is no state of the flow.
 */
export const renamesFault = (renames: Renames, version: number, states: ReadonlySet<string>): string | null => {
  const entries = Object.entries(renames)
  if (entries.length > 0 && version === firstVersion)
    return `migrate needs a version above ${firstVersion}: raise the version when states change`
  for (const [former, name] of entries) {
    if (former === errorState) return "migrate names Error, the engine's own state"
    const fault = stateFault(former)
    if (fault !== null) return `migrate names ${shownState(former)}: a state name ${fault}`
    if (states.has(former)) return `migrate names ${shownState(former)}, which is still one of its states`
    if (states.has(name)) continue
    const chain = typeof name === "string" && Object.hasOwn(renames, name)
    return chain
      ? `migrate leads ${former} to ${shownState(name)}, which is a former name itself: name the state of today`
      : `migrate leads ${former} to ${shownState(name)}, which is not one of its states`
  }
  return null
}

/** A copy that cannot be changed. */
export const fixedRenames = (renames: Renames): ReadonlyMap<string, string> => new FixedMap(Object.entries(renames))
