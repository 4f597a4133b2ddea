/** The second file of the app in TypeScript. */

/** Money. */
export interface Money {
  readonly cents: number
}

/** The price of everything. */
export const price: Money = { cents: 500 }
