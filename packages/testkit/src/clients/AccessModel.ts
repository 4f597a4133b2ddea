/**
 * AccessModel: an independent model of the access rule, written from the contract. A server's answers are compared with
 * it; it shares no code with the rule in `Access`. Source: CONTRACT §3, steps 1 and 5-7.
 */
import { Caller } from "@onelane/checkout"

/** The content of a directory; each membership is a text of two ids: see `pair`. */
export interface Book {
  /** Roles of a user in addition to those of its token. */
  readonly granted: ReadonlyMap<string, ReadonlyArray<Caller.Role>>
  readonly activeAccounts: ReadonlySet<string>
  /** Account and user. */
  readonly accountMembers: ReadonlySet<string>
  /** Store and account. */
  readonly storeMembers: ReadonlySet<string>
}

/** A membership as a text. */
export const pair = (of: string, member: string): string => `${of} ${member}`

/** A caller, with the roles of the token. */
export interface Person {
  readonly userId: string
  readonly roles: ReadonlyArray<Caller.Role>
  readonly acting: string | null
}

/** A session and its owner, account and store. */
export interface Held {
  readonly id: string
  readonly cartId: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
}

/** The kinds of requests, and the roles that may send them. */
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

/** The tag of the refusal, or null if the request is allowed. */
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
