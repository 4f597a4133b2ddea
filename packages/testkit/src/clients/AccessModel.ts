/**
 * AccessModel: who may ask what of which session, in the words of the contract. What a server answers is held to it; it
 * shares nothing with the rule in `Access`. Source: CONTRACT §3, steps 1 and 5-7.
 */
import { Caller } from "@onelane/checkout"

/** What a directory says, each fact as a text of two ids: see `pair`. */
export interface Book {
  /** Roles of a user besides those of its token. */
  readonly granted: ReadonlyMap<string, ReadonlyArray<Caller.Role>>
  readonly activeAccounts: ReadonlySet<string>
  /** Account and user. */
  readonly accountMembers: ReadonlySet<string>
  /** Store and account. */
  readonly storeMembers: ReadonlySet<string>
}

/** A membership as a text. */
export const pair = (of: string, member: string): string => `${of} ${member}`

/** Somebody who calls, with the roles of the token. */
export interface Person {
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  readonly acting: string | null
}

/** A session, and whose it is. */
export interface Held {
  readonly id: string
  readonly cartId: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
}

/** What may be asked, and the roles that may ask it. */
export const allowedRoles = {
  read: Caller.roles,
  open: Caller.roles,
  update: Caller.roles,
  cancel: Caller.roles,
  complete: ["modify-all-data", "commerce-integrator"],
  release: ["modify-all-data"]
} satisfies Record<string, ReadonlyArray<Caller.Role>>

/** What may be asked. */
export type Asked = keyof typeof allowedRoles

/** Why rights are refused. */
export const refusals = ["ActionNotPermitted", "SessionInaccessible", "AccountInaccessible", "NotStoreMember"] as const

/** Why rights are refused. */
export type Refusal = (typeof refusals)[number]

/** The tag of the refusal, or null where the rights hold. */
export const expected = (book: Book, person: Person, asked: Asked, session: Held): Refusal | null => {
  const roles = [...person.roles, ...(book.granted.get(person.userId) ?? [])]
  const privileged = roles.some((role) => role !== "buyer-checkout")
  const belongs = book.accountMembers.has(pair(session.accountId, person.userId))
  if (!roles.some((role) => (allowedRoles[asked] as ReadonlyArray<string>).includes(role))) return "ActionNotPermitted"
  if (!privileged && !belongs && person.userId !== session.ownerId) return "SessionInaccessible"
  if (!book.activeAccounts.has(session.accountId)) return "AccountInaccessible"
  if (person.acting !== null && person.acting !== session.accountId) return "AccountInaccessible"
  if (!privileged && !belongs) return "AccountInaccessible"
  return book.storeMembers.has(pair(session.storeId, session.accountId)) ? null : "NotStoreMember"
}
