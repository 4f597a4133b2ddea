/**
 * Access: the port for a caller's rights. It is asked inside the turn, so a right revoked while a command was queued
 * counts as revoked. The rule (`decideRights`) is here, once; layers supply the facts.
 *
 * Source: CONTRACT §3, steps 1, 5, 6 and 7; the action page, its conditions 3-6 and requirements 1-3.
 */
import { EffectRunner } from "@onelane/engine"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Caller from "./Caller.js"

/**
 * The actions of the service. `update`, `open`, `cancel` write; `assign-cart` is an open that assigns the cart's owner;
 * `read` covers get, history and changes; `administer` is everything that is not about one session: the directory,
 * keys, the list of sessions.
 */
export type Action =
  | "open"
  | "assign-cart"
  | "update"
  | "cancel"
  | "read"
  | "complete-task"
  | "release-claim"
  | "move"
  | "administer"

/**
 * The cart whose rights are checked: its present owner, account and store, or the session's last ones if the cart is
 * gone.
 */
export interface Subject {
  readonly cartId: string
  readonly storeId: string
  readonly accountId: string
  readonly ownerId: string
  /**
   * True if the cart was opened without an account: it belongs to its owner alone, and no directory knows its account.
   */
  readonly isGuest?: boolean | undefined
}

/** The rights of a caller, in the order of checks. */
export interface Rights {
  /** Step 1: may invoke the action at all. */
  readonly mayInvoke: boolean
  /** Step 5: may see the subject. */
  readonly maySee: boolean
  /** Step 6: its effective account is valid, and the caller may act for it. */
  readonly accountAccessible: boolean
  /** Step 7: that account is a member of the store. */
  readonly storeMember: boolean
}

/** A port failed: no decision is made, nothing is written. */
export interface PortUnavailable {
  readonly _tag: "PortUnavailable"
  readonly port: string
  readonly cause?: unknown
  /** The store's reason, if it has one (`FENCED`). Default `PORT_UNAVAILABLE`. */
  readonly reason?: string | undefined
}

/** The port. An effect that is already an `Exit` (`Effect.succeed(…)`) costs a turn no suspension. */
export interface AccessShape {
  /** Step 1, before any session is read. */
  readonly mayInvoke: (caller: Caller.Caller, action: Action) => Effect.Effect<boolean, PortUnavailable>
  /** Steps 1, 5, 6 and 7, inside the turn. */
  readonly rights: (caller: Caller.Caller, action: Action, subject: Subject) => Effect.Effect<Rights, PortUnavailable>
  /** Whether the caller has all rights to this action for any subject, so no port needs to be asked. Default: no. */
  readonly trusts?: ((caller: Caller.Caller, action: Action) => boolean) | undefined
  /**
   * Calls `listener` after a change that may affect `rights`; returns the unsubscribe function. Default: changes are
   * not announced.
   */
  readonly onChange?: OnChange | undefined
}

/** Registers a listener and returns the function that removes it. */
export type OnChange = (listener: () => void) => () => void

/** The access port. */
export class Access extends Context.Tag("@onelane/checkout/Access")<Access, AccessShape>() {}

/** The facts of a directory about a caller and a subject. */
export interface AccessFacts {
  /** Roles the directory grants this user, besides those of the token. An unknown user has none. */
  readonly roles: ReadonlyArray<Caller.Role>
  /** Accounts the user belongs to include the subject's account. */
  readonly belongsToAccount: boolean
  /** The subject's account exists and is active. */
  readonly accountValid: boolean
  /** The subject's account is a member of the subject's store. */
  readonly storeMember: boolean
}

const noRoles: ReadonlyArray<Caller.Role> = []
const operators: ReadonlyArray<Caller.Role> = ["modify-all-data"]
const integrators: ReadonlyArray<Caller.Role> = [...operators, "commerce-integrator"]
const buyers: ReadonlyArray<Caller.Role> = [...integrators, "buyer-checkout"]

const rolesFor = (action: Action): ReadonlyArray<Caller.Role> => {
  if (action === "release-claim" || action === "move" || action === "administer") return operators
  return action === "complete-task" || action === "assign-cart" ? integrators : buyers
}

// Runs twice in every update. `includes` makes a refused one 6 % slower.
const isAmong = (roles: ReadonlyArray<Caller.Role>, wanted: Caller.Role): boolean => {
  for (let index = 0; index < roles.length; index++) if (roles[index] === wanted) return true
  return false
}

/** Whether the caller's roles, or those the directory grants, allow the action. Default deny. */
export const roleAllows = (caller: Caller.Caller, granted: ReadonlyArray<Caller.Role>, action: Action): boolean => {
  const allowing = rolesFor(action)
  return allowing.some((role) => isAmong(caller.roles, role) || isAmong(granted, role))
}

/** Whether the caller's roles, or those granted, see every session and may assign carts. */
export const isPrivileged = (caller: Caller.Caller, granted: ReadonlyArray<Caller.Role> = noRoles): boolean =>
  roleAllows(caller, granted, "assign-cart")

/**
 * The access rule. Privileged roles (modify-all-data, commerce integrator) see every session; a buyer sees the sessions
 * of its own carts and of its accounts. The effective account must be valid, equal the acting account that the caller
 * named, and be a member of the store; a buyer must belong to it.
 */
export const decideRights = (caller: Caller.Caller, action: Action, subject: Subject, facts: AccessFacts): Rights => {
  const privileged = isPrivileged(caller, facts.roles)
  const acting = caller.actingAccountId === null || caller.actingAccountId === subject.accountId
  return {
    mayInvoke: roleAllows(caller, facts.roles, action),
    maySee: privileged || facts.belongsToAccount || caller.userId === subject.ownerId,
    accountAccessible: facts.accountValid && acting && (privileged || facts.belongsToAccount),
    storeMember: facts.storeMember
  }
}

/** Every right. */
export const everyRight: Rights = Object.freeze({
  mayInvoke: true,
  maySee: true,
  accountAccessible: true,
  storeMember: true
})

// Without a directory the account is valid, and the cart belongs to its owner alone.
const ownRights = (
  caller: Caller.Caller,
  action: Action,
  subject: Subject,
  granted: ReadonlyArray<Caller.Role>
): Rights =>
  decideRights(caller, action, subject, {
    roles: granted,
    belongsToAccount: caller.userId === subject.ownerId,
    accountValid: true,
    storeMember: true
  })

const everyone = Exit.succeed(everyRight)
const yes = Exit.succeed(true)
const no = Exit.succeed(false)

// Runs in every update of the host: the common role first.
const trusts = ({ roles }: Caller.Caller, action: Action): boolean =>
  isAmong(roles, "modify-all-data") || (isAmong(roles, "commerce-integrator") && rolesFor(action) !== operators)

// Onelane's own ports: they do not change their arguments, and return immutable values, so they need no copies.
const ours = new WeakSet<AccessShape>()
const asOurs = (access: AccessShape): AccessShape => {
  ours.add(access)
  return access
}

/**
 * Wraps a host's port: it gets copies, which it may keep and change, and its answers are validated and copied. An
 * invalid answer counts as a failure.
 */
export const byValue = (access: AccessShape): AccessShape =>
  ours.has(access)
    ? access
    : {
        mayInvoke: (caller, action) =>
          EffectRunner.flatMapNow(access.mayInvoke(Caller.copyOf(caller), action), takeFlag),
        rights: (caller, action, subject) =>
          EffectRunner.flatMapNow(access.rights(Caller.copyOf(caller), action, subjectOf(subject)), takeRights),
        trusts: access.trusts,
        onChange: access.onChange
      }

const subjectOf = ({ cartId, storeId, accountId, ownerId, isGuest }: Subject): Subject => ({
  cartId,
  storeId,
  accountId,
  ownerId,
  isGuest
})

const noAnswer = (shape: string): Exit.Exit<never, PortUnavailable> =>
  Exit.fail({ _tag: "PortUnavailable", port: "access", cause: new TypeError(`it must answer ${shape}`) })

const takeFlag = (answer: unknown): Exit.Exit<boolean, PortUnavailable> =>
  typeof answer === "boolean" ? Exit.succeed(answer) : noAnswer("true or false")

const takeRights = (answer: Rights | null | undefined): Exit.Exit<Rights, PortUnavailable> => {
  const { mayInvoke, maySee, accountAccessible, storeMember } = answer ?? ({} as Rights)
  const rights = { mayInvoke, maySee, accountAccessible, storeMember }
  return Object.values(rights).every((right) => typeof right === "boolean") ? Exit.succeed(rights) : noAnswer("rights")
}

/**
 * Trusts the caller's roles without a directory: every account is valid and a member of every store. Privileged callers
 * may do everything their role allows; a buyer owns the carts it opens and sees no others.
 */
export const layerTrusted: Layer.Layer<Access> = Layer.succeed(
  Access,
  asOurs({
    mayInvoke: (caller, action) => (trusts(caller, action) || roleAllows(caller, noRoles, action) ? yes : no),
    rights: (caller, action, subject) =>
      trusts(caller, action) ? everyone : Exit.succeed(ownRights(caller, action, subject, noRoles)),
    trusts
  })
)

/** Look-ups of a directory. `facts` depends on user, account and store only. */
export interface Lookup {
  readonly roles: (userId: string) => Effect.Effect<ReadonlyArray<Caller.Role>, PortUnavailable>
  readonly facts: (caller: Caller.Caller, subject: Subject) => Effect.Effect<AccessFacts, PortUnavailable>
}

/** Creates the port from look-ups of a directory; both answers use the rule above. */
export const fromFacts = (lookup: Lookup, onChange?: OnChange): AccessShape =>
  asOurs({
    onChange,
    mayInvoke: (caller, action) =>
      roleAllows(caller, noRoles, action)
        ? yes
        : EffectRunner.mapNow(lookup.roles(caller.userId), (granted) => roleAllows(caller, granted, action)),
    rights: (caller, action, subject) =>
      subject.isGuest === true
        ? EffectRunner.mapNow(lookup.roles(caller.userId), (granted) => ownRights(caller, action, subject, granted))
        : EffectRunner.mapNow(lookup.facts(caller, subject), (facts) => decideRights(caller, action, subject, facts))
  })
