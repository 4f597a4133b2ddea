/** Shared: something that all tests of a suite use, from before the first test to after the last. */
import { afterAll, beforeAll } from "@effect/vitest"

/** Makes it for the suite. `using` gives it to its argument and ends it when that is done; it may also give nothing. */
export const shared = <A>(using: (use: (given: A) => Promise<void>) => Promise<void>): (() => A) => {
  let one: A | undefined
  let end = (): void => {}
  let ended: Promise<void> = Promise.resolve()
  beforeAll(
    () =>
      new Promise<void>((resolve, reject) => {
        ended = using((given) => {
          one = given
          resolve()
          return new Promise<void>((leave) => {
            end = leave
          })
        })
        ended.then(resolve, reject)
      }),
    60_000
  )
  afterAll(() => {
    end()
    return ended
  })
  return () => one!
}
