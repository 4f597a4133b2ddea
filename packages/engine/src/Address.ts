/**
 * Address: where a command goes. A kind (one per behavior) and an id; two addresses with the same kind and id are
 * equal.
 */

/** The address of one actor: `kind` names its behavior, `id` the actor. Both are opaque strings. */
export interface Address {
  readonly kind: string
  readonly id: string
}

/** Makes an address. */
export const make = (kind: string, id: string): Address => ({ kind, id })

/** One string per address, equal exactly when the addresses are equal (a kind holds no slash). */
export const key = (address: Address): string => `${address.kind}/${address.id}`

/** Value equality. */
export const equals = (self: Address, that: Address): boolean => self.id === that.id && self.kind === that.kind
