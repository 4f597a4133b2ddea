/**
 * TestCheckout: an engine in memory with a controllable clock. Nothing is mocked: it is the engine that a program
 * embeds, over a journal in memory that survives a crash. Time passes only when the test advances it, and an hour costs
 * only the work in it.
 *
 * Owns the clock and the restart. The engine's clock is separate from the program's: a task's `Date` and `setTimeout`
 * are those of the test, real or fake (`vi.useFakeTimers`).
 */
import { type Flow, Task } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import type { DirectoryDoor, EmbeddedCheckout, EmbeddedOptions, FlowOf } from "@onelane/sdk"
import { App, openIn } from "@onelane/sdk/testing"
import * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type { Provider } from "./fakes/Provider.js"
import * as EventLoop from "./machine/EventLoop.js"
import * as JournalFaults from "./machine/JournalFaults.js"
import * as Processes from "./machine/Processes.js"
import * as VirtualClock from "./machine/VirtualClock.js"
import { type AppUnderTest, answeringAtOnce, appOf, longestDeadlineMillis } from "./World.js"

/** The clock of a checkout under test. */
export interface TestClock {
  /** The engine's time, epoch milliseconds. */
  readonly now: () => number
  /**
   * Lets time pass: milliseconds, or a text such as `"1 hour"`. Everything that is due by then happens, in order.
   * Resolves when all other work has settled.
   */
  readonly advance: (time: Duration.DurationInput) => Promise<void>
  /** Resolves when all work has settled that does not wait for time. */
  readonly settle: () => Promise<void>
  /** Sets the clock forward or back by milliseconds, as an operator might. Pending timers are not affected. */
  readonly jump: (millis: number) => void
  /** Number of timer wake-ups so far; an idle engine causes none. */
  readonly wakeUps: () => number
}

/** Options of a test. */
export interface TestOptions extends Pick<EmbeddedOptions, "retention" | "retry" | "onEvent" | "logger"> {
  /** The first instant, epoch milliseconds. Default 2026-01-01T00:00:00Z. */
  readonly startMillis?: number | undefined
  /** The seed of ids and pauses: the same seed gives the same values. Default 1. */
  readonly seed?: number | undefined
}

/** A checkout under test. */
export interface TestCheckout<F = Flow.Flow> extends EmbeddedCheckout<F> {
  readonly clock: TestClock
  /** The fakes of the app; they answer at once, unless `next` sets something else. */
  readonly provider: Provider
  /** The directory, where the app has `directory: true`. */
  readonly directory?: DirectoryDoor | undefined
  /**
   * Kills the process and starts it again: state that was not durable and running work are lost, and claims are
   * resumed. Returns the new process; the old one no longer answers.
   */
  readonly crash: () => Promise<TestCheckout<F>>
}

/** Memory use does not matter in a test, so sweeps for idle actors are rare. */
const sweepMillis = 60_000

const firstMillis = Date.UTC(2026, 0, 1)

/**
 * Opens an engine in memory for a test. Close it at the end, or use `await using`. **Errors**: a `TypeError`, like
 * `Onelane.open`.
 */
export const testCheckout = async <X extends Flow.PresetName | Flow.Flow = "b2b">(
  app: AppUnderTest<X> = {},
  options: TestOptions = {}
): Promise<TestCheckout<FlowOf<X>>> => {
  const { seed = 1, startMillis = firstMillis, ...given } = options
  const clock = VirtualClock.make(startMillis)
  const loop = EventLoop.make()
  const disk = JournalMemory.make()
  const hand = handOf(clock, loop)
  let lateMillis = Task.defaultDeadlineMillis
  const world = answeringAtOnce(clock, () => lateMillis)
  const layer = Layer.merge(Layer.setClock(clock), Layer.setRandom(Random.make(seed)))
  let starts = 0
  const start = async (): Promise<TestCheckout<FlowOf<X>>> => {
    const process: Processes.Process = { name: `process ${++starts}`, isAlive: true }
    const connection = JournalFaults.cuttable(disk)
    // Only one process writes the journal: the old one's connection is cut.
    const around = { layer, journal: connection.journal, engine: { defer: loop.defer, sweepMillis } }
    const opened = await Processes.within(process, async () => {
      const made = appOf(app, world)
      lateMillis = longestDeadlineMillis(App.flowOf(made), Task.defaultDeadlineMillis)
      return openIn<X, boolean>({ ...made, ...given, storage: ":memory:" }, around)
    })
    const embedded = opened as EmbeddedCheckout<FlowOf<X>>
    const close = (): Promise<void> => whilePassing(clock, loop, embedded.close())
    const crash = async (): Promise<TestCheckout<FlowOf<X>>> => {
      connection.cut()
      process.isAlive = false
      // Drains in the background with a cut journal, while the next process runs.
      void embedded.close()
      return start()
    }
    return { ...embedded, clock: hand, provider: world.provider, close, crash, [Symbol.asyncDispose]: close }
  }
  return start()
}

const handOf = (clock: VirtualClock.VirtualClock, loop: EventLoop.EventLoop): TestClock => {
  let wakeUps = 0
  return {
    now: () => clock.unsafeCurrentTimeMillis(),
    advance: async (time) => {
      const untilMillis = clock.monotonicMillis() + Duration.toMillis(time)
      await loop.settled()
      while ((clock.nextMillis() ?? Number.POSITIVE_INFINITY) <= untilMillis) {
        clock.advance()
        wakeUps += 1
        await loop.settled()
      }
      clock.goTo(untilMillis)
    },
    settle: loop.settled,
    jump: clock.jump,
    wakeUps: () => wakeUps
  }
}

/** Closing waits for tasks, so time is advanced until it ends. */
const whilePassing = async (
  clock: VirtualClock.VirtualClock,
  loop: EventLoop.EventLoop,
  closing: Promise<void>
): Promise<void> => {
  let isOver = false
  const over = closing.finally(() => {
    isOver = true
  })
  while (!isOver) {
    await loop.settled()
    if (!isOver) clock.advance()
  }
  return over
}
