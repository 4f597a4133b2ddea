/**
 * Counts: what an update costs, in things that can be counted: operations and fibers of Effect, and bytes allocated. Time
 * is not among them: it depends on who else uses the machine. What the loop around the calls costs is taken off.
 */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Context, Effect, Exit, RuntimeFlags, RuntimeFlagsPatch, Supervisor } from "effect"
import { nextOf, states } from "../src/Load.js"

/** One update of the one session: right when `expected` is its state. */
export type Call = (expected: string, next: string) => Effect.Effect<unknown, unknown>

/** What one update cost. */
export interface Cost {
  readonly operations: number
  readonly fibers: number
  readonly bytes: number
}

const calls = 180
const batches = 6

class Counting extends Supervisor.AbstractSupervisor<void> {
  operations = 0
  fibers = 0
  override value = Effect.void
  override onStart(): void {
    this.fibers += 1
  }
  override onEffect(): void {
    this.operations += 1
  }
}

/** Calls in turn; every one is right, or none is. */
const loop = (call: Call, right: boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    let expected: string = states[0]
    for (let made = 0; made < calls; made++) {
      const next = nextOf(expected)
      const exit = yield* Effect.exit(call(right ? expected : "Error", next))
      if (Exit.isSuccess(exit) !== right) throw new Error(`not the answer that was expected: ${JSON.stringify(exit)}`)
      if (right) expected = next
    }
    // Back to the first state, so that a batch can be repeated.
    while (right && expected !== states[0]) {
      yield* Effect.exit(call(expected, nextOf(expected)))
      expected = nextOf(expected)
    }
  })

const counted = async (call: Call, right: boolean): Promise<Cost> => {
  const work = loop(call, right)
  const supervisor = new Counting()
  const watched = Effect.withRuntimeFlagsPatch(work, RuntimeFlagsPatch.enable(RuntimeFlags.OpSupervision))
  // Compiled code allocates less: warm up first, and take the batch that allocated least.
  for (let batch = 0; batch < batches; batch++) await Effect.runPromise(work)
  await Effect.runPromise(Effect.supervised(watched, supervisor))
  const { operations, fibers } = supervisor
  const bytes: Array<number> = []
  for (let batch = 0; batch < batches; batch++) {
    collect()
    const before = process.memoryUsage().heapUsed
    await Effect.runPromise(work)
    bytes.push(process.memoryUsage().heapUsed - before)
  }
  return { operations, fibers, bytes: Math.min(...bytes) }
}

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const answered = Exit.succeed(Context.empty())
const refused = Exit.fail("refused")

/** The cost of one update beyond that of asking nobody. */
export const costOf = async (call: Call, right: boolean): Promise<Cost> => {
  const [cost, asking] = [await counted(call, right), await counted(() => (right ? answered : refused), right)]
  return {
    operations: (cost.operations - asking.operations) / calls,
    fibers: (cost.fibers - asking.fibers) / calls,
    bytes: (cost.bytes - asking.bytes) / calls
  }
}
