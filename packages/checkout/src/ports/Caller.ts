/**
 * Caller: who sends a command. Identity is established outside (a token, the embedding program); here it is a value.
 */

/** What a caller may be. Source: the action page, "User Can't Invoke Action" and usage 1. Nobody may anything by default. */
export type Role = "modify-all-data" | "commerce-integrator" | "buyer-checkout"

/** Every role. */
export const roles: ReadonlyArray<Role> = Object.freeze<Array<Role>>([
  "modify-all-data",
  "commerce-integrator",
  "buyer-checkout"
])

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
  roles: [...callerRoles],
  actingAccountId
})

/** A caller of the receiver's own: what its owner does to it afterwards changes nothing. Every field is read once. */
export const copyOf = ({ userId, roles, actingAccountId }: Caller): Caller => ({
  userId,
  roles: roles.slice(),
  actingAccountId
})

/** The same, which nobody can change: for one that is kept and shown to others. */
export const frozen = (caller: Caller): Caller => {
  const copy = copyOf(caller)
  Object.freeze(copy.roles)
  return Object.freeze(copy)
}

/** The program that embeds the engine, calling for itself. */
export const host: Caller = frozen(make("host", ["modify-all-data"]))
