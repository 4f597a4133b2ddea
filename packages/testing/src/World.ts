/** World: the environment of an app under test: fakes and a clock. */
import type { Flow } from "@onelane/checkout"
import type { App } from "@onelane/sdk"
import type { Behaviour, Surface } from "./fakes/Fake.js"
import * as Provider from "./fakes/Provider.js"
import type { VirtualClock } from "./machine/VirtualClock.js"

/** The environment of an app under test. */
export interface World {
  readonly provider: Provider.Provider
  readonly clock: WorldClock
}

/** The time of a test. */
export interface WorldClock {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Resolves after so many milliseconds of test time. */
  readonly sleep: (millis: number) => Promise<void>
}

/**
 * An app, or a function that creates it from the fakes. The function is called for every process that starts, so its
 * variables are lost in a crash, like the memory of a process.
 */
export type AppUnderTest<X extends Flow.PresetName | Flow.Flow = Flow.PresetName | Flow.Flow> =
  | App<X>
  | ((world: World) => App<X>)

/** Makes the app of one process. */
export const appOf = <X extends Flow.PresetName | Flow.Flow>(app: AppUnderTest<X>, world: World): App<X> =>
  typeof app === "function" ? app(world) : app

/** The longest deadline of a flow's tasks, milliseconds. A late answer comes after it. */
export const longestDeadlineMillis = ({ tasks }: Flow.Flow, defaultMillis: number): number =>
  Math.max(1_000, ...[...tasks.values()].map(({ deadlineMillis = defaultMillis }) => deadlineMillis))

/** Creates a world on this clock, whose fakes behave as `behaving` defines. */
export const make = (clock: VirtualClock, behaving: Pick<Surface, "choose" | "delays" | "note">): World => {
  const nowMillis = (): number => clock.unsafeCurrentTimeMillis()
  const sleep = (millis: number): Promise<void> => new Promise((resolve) => void clock.wakeAfter(millis, resolve))
  return {
    provider: Provider.make({ nowMillis, after: clock.wakeAfter, ...behaving }),
    clock: { now: nowMillis, sleep }
  }
}

/** How long a slow answer takes, milliseconds. */
const slowMillis = 5_000

/**
 * Creates a world whose fakes answer at once, unless `provider.next` sets something else. `lateMillis`: the delay
 * before a late answer.
 */
export const answeringAtOnce = (clock: VirtualClock, lateMillis: () => number): World => {
  const delays = (behaviour: Behaviour): readonly [number, number] => {
    if (behaviour === "slow") return [slowMillis, slowMillis]
    return behaviour === "late" ? [0, lateMillis() + slowMillis] : [0, 0]
  }
  return make(clock, { choose: () => "ok", delays, note: () => {} })
}
