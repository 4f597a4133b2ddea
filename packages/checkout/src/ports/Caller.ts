/**
 * Caller: who sends a command. Identity is established outside (a token, the embedding program); here it is a value.
 */

/** What a caller may be. Source: the action page, "User Can't Invoke Action" and usage 1. Nobody may anything by default. */
export type Role = "modify-all-data" | "commerce-integrator" | "buyer-checkout"

/** Every role. */
export const roles: ReadonlyArray<Role> = ["modify-all-data", "commerce-integrator", "buyer-checkout"]

/** The caller of one command. `actingAccountId`: the effective account the caller claims to act for, null when none was named. */
export interface Caller {
  readonly userId: string
  readonly roles: ReadonlyArray<Role>
  readonly actingAccountId: string | null
}

/** Makes a caller. */
export const make = (
  userId: string,
  callerRoles: ReadonlyArray<Role>,
  actingAccountId: string | null = null
): Caller => ({
  userId,
  roles: callerRoles,
  actingAccountId
})

/** The program that embeds the engine, calling for itself. */
export const host: Caller = make("host", ["modify-all-data"])
