/** Stock: a fake warehouse. `reserve` checks and takes atomically; `level` and then `take` have a race in between. */
import type { Fake, FakeRequest } from "./Fake.js"
import { FakeError } from "./Fake.js"

/** Take items from the stock. */
export interface StockInput extends FakeRequest {
  readonly sku: string
  /** Default 1. */
  readonly quantity?: number | undefined
}

/** A warehouse. */
export interface Stock {
  /** The number of items in stock. */
  readonly level: (sku: string) => Promise<number>
  /** Takes items if there are enough, and returns the rest; else rejects with code `OUT_OF_STOCK`, final. */
  readonly reserve: (input: StockInput) => Promise<number>
  /** Takes items without a check, like `UPDATE … SET level = level - 1`. Returns the rest, which may be negative. */
  readonly take: (input: StockInput) => Promise<number>
  /** Puts items back and returns the level. */
  readonly release: (input: StockInput) => Promise<number>
  /** Sets a level, for the test. Default level: 0. */
  readonly set: (sku: string, level: number) => void
  /** The level, for the test. */
  readonly left: (sku: string) => number
  /** Oversold items, as sentences. */
  readonly problems: () => ReadonlyArray<string>
}

/** Makes one. */
export const make = (fake: Fake): Stock => {
  const levels = new Map<string, number>()
  const left = (sku: string): number => levels.get(sku) ?? 0
  const move = (sku: string, by: number): number => {
    levels.set(sku, left(sku) + by)
    return left(sku)
  }
  const reserve = (sku: string, quantity: number): number => {
    if (left(sku) < quantity) throw new FakeError("OUT_OF_STOCK", `stock: ${left(sku)} of ${sku} left`, true, "no")
    return move(sku, -quantity)
  }
  const asking =
    (action: string, work: (sku: string, quantity: number) => number): Stock["take"] =>
    ({ key, quantity = 1, signal, sku }) =>
      fake.call(action, { key, signal }, { sku, quantity }, () => work(sku, quantity))
  return {
    level: (sku) => fake.call("level", {}, { sku }, () => left(sku)),
    reserve: asking("reserve", reserve),
    take: asking("take", (sku, quantity) => move(sku, -quantity)),
    release: asking("release", move),
    set: (sku, level) => void levels.set(sku, level),
    left,
    problems: () =>
      [...levels].filter(([, level]) => level < 0).map(([sku, level]) => `stock: ${-level} of ${sku} were oversold`)
  }
}
