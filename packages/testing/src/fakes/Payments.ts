/** Payments: a fake payment provider. It keeps all charges, so that a test can count them. */
import type { Fake, FakeRequest } from "./Fake.js"
import { FakeError } from "./Fake.js"

/** Charge a customer. */
export interface ChargeInput extends FakeRequest {
  /** What it is for: a cart or a session. Two charges of one reference are a double charge, unless one is refunded. */
  readonly reference: string
  /** In the smallest unit of the currency. */
  readonly amount: number
}

/** A charge. */
export interface Charge {
  readonly chargeId: string
  readonly reference: string
  readonly amount: number
  readonly refunded: boolean
}

/** Refund a charge. */
export interface RefundInput extends FakeRequest {
  readonly chargeId: string
}

/** A payment provider. */
export interface Payments {
  readonly charge: (input: ChargeInput) => Promise<Charge>
  readonly refund: (input: RefundInput) => Promise<Charge>
  /** All charges, for the test. */
  readonly charges: () => ReadonlyArray<Charge>
  /** The charges of one reference that were not refunded, for the test. */
  readonly chargesOf: (reference: string) => ReadonlyArray<Charge>
  /** References that were charged twice, as sentences. */
  readonly problems: () => ReadonlyArray<string>
}

/** Makes one. */
export const make = (fake: Fake): Payments => {
  const charges = new Map<string, Charge>()
  const charge = ({ amount, reference }: Pick<ChargeInput, "amount" | "reference">): Charge => {
    const made = { chargeId: `ch_${charges.size + 1}`, reference, amount, refunded: false }
    charges.set(made.chargeId, made)
    return made
  }
  const refund = (chargeId: string): Charge => {
    const found = charges.get(chargeId)
    if (found === undefined) throw new FakeError("UNKNOWN_CHARGE", `payments: no charge ${chargeId}`, true, "no")
    const refunded = { ...found, refunded: true }
    charges.set(chargeId, refunded)
    return refunded
  }
  const kept = (): ReadonlyArray<Charge> => [...charges.values()].filter(({ refunded }) => !refunded)
  return {
    charge: ({ amount, key, reference, signal }) =>
      fake.call("charge", { key, signal }, { reference, amount }, () => charge({ amount, reference })),
    refund: ({ chargeId, key, signal }) => fake.call("refund", { key, signal }, { chargeId }, () => refund(chargeId)),
    charges: () => [...charges.values()],
    chargesOf: (reference) => kept().filter((each) => each.reference === reference),
    problems: () => countsOf(kept()).map(([reference, count]) => `payments: ${reference} was charged ${count} times`)
  }
}

/** References that occur more than once, with their counts. */
export const countsOf = (
  all: ReadonlyArray<{ readonly reference: string }>
): ReadonlyArray<readonly [string, number]> => {
  const counts = new Map<string, number>()
  for (const { reference } of all) counts.set(reference, (counts.get(reference) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > 1)
}
