/** Taxes: a fake tax service. It only computes, so a call may be repeated. */
import type { Fake, FakeRequest } from "./Fake.js"

/** The amount to tax. */
export interface TaxInput extends FakeRequest {
  /** In the smallest unit of the currency. */
  readonly amount: number
  /** Default: a region without a rate of its own. */
  readonly region?: string | undefined
}

/** A tax service. */
export interface Taxes {
  /** The tax of an amount, rounded to the smallest unit. */
  readonly quote: (input: TaxInput) => Promise<{ readonly tax: number; readonly total: number }>
  /** Sets the rate of a region, 0..1, for the test. Default rate: 0.2. */
  readonly set: (region: string, rate: number) => void
}

const defaultRate = 0.2

/** Makes one. */
export const make = (fake: Fake): Taxes => {
  const rates = new Map<string, number>()
  const quote = (amount: number, region: string) => {
    const tax = Math.round(amount * (rates.get(region) ?? defaultRate))
    return { tax, total: amount + tax }
  }
  return {
    quote: ({ amount, key, region = "", signal }) =>
      fake.call("quote", { key, signal }, { amount, region }, () => quote(amount, region)),
    set: (region, rate) => void rates.set(region, rate)
  }
}
