/**
 * Cell: one PostgreSQL and the runners over it, as queues. Calls arrive by chance, wait for the processor of their runner,
 * gather into batches by the rule of the engine's group commit, and wait for the processors and the disk of the database.
 * Nothing here is measured: service times go in, waiting comes out. Repeatable by seed.
 */
import * as Seeded from "@onelane/testkit/Seeded"
import { percentile } from "../Sample.js"

/** What a cell is made of. Times are microseconds. */
export interface CellOptions {
  readonly seed: number
  readonly runners: number
  /** Calls a second, all runners together. */
  readonly callsPerSecond: number
  /** Processor time of a call at its runner: door, engine, driver. */
  readonly runnerMicros: number
  /** Processor time of a call at each of both ends when it arrives at another runner than its own. */
  readonly forwardMicros: number
  /** Share of all calls that belongs to each runner: how evenly shards are divided. */
  readonly shares: ReadonlyArray<number>
  readonly databaseProcessors: number
  readonly statementMicros: number
  readonly rowMicros: number
  readonly syncMicros: number
  readonly roundTripMicros: number
  readonly seconds: number
  /** When runner 0 is killed, seconds; null: never. */
  readonly killedAt: number | null
  /** How long a caller whose runner was killed takes to ask another. */
  readonly repeatMicros: number
}

/** How it went. Loads are shares of the time, waiting is in milliseconds. */
export interface CellOutcome {
  readonly busiestRunner: number
  readonly database: number
  readonly disk: number
  readonly batchEntries: number
  readonly meanMillis: number
  readonly p50Millis: number
  readonly p99Millis: number
  /** Of calls that began within a second after the kill. */
  readonly afterKillP99Millis: number
  readonly calls: number
}

const batchCapacity = 1_024
const worthwhileEntries = 32
const appendsAtOnce = 2

interface Runner {
  freeAt: number
  busy: number
  gathering: Array<number>
  inFlight: number
  alive: boolean
}

/** Steps in order of time: a binary heap. */
const makeAgenda = () => {
  const heap: Array<{ readonly at: number; readonly step: () => void }> = []
  const swap = (a: number, b: number): void => {
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
  const sink = (): void => {
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2]
      let least = at
      if (left < heap.length && heap[left]!.at < heap[least]!.at) least = left
      if (right < heap.length && heap[right]!.at < heap[least]!.at) least = right
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  return {
    add: (at: number, step: () => void): void => {
      heap.push({ at, step })
      for (let up = heap.length - 1; up > 0 && heap[up]!.at < heap[(up - 1) >> 1]!.at; up = (up - 1) >> 1)
        swap(up, (up - 1) >> 1)
    },
    run: (): void => {
      while (heap.length > 0) {
        const { step } = heap[0]!
        const last = heap.pop()!
        if (heap.length > 0) {
          heap[0] = last
          sink()
        }
        step()
      }
    }
  }
}

/** Runs it. */
export const run = (options: CellOptions): CellOutcome => {
  const { callsPerSecond, roundTripMicros, runners: count, seconds } = options
  const seeded = Seeded.make(options.seed)
  const unit = (): number => (seeded.below(1_000_000_000) + 1) / 1_000_000_000
  const agenda = makeAgenda()
  const runners = Array.from(
    { length: count },
    (): Runner => ({ freeAt: 0, busy: 0, gathering: [], inFlight: 0, alive: true })
  )
  const processors = Array.from({ length: options.databaseProcessors }, () => 0)
  const total = { database: 0, syncs: 0, batches: 0, entries: 0 }
  const waits: Array<number> = []
  const waitsAfterKill: Array<number> = []
  const killMicros = options.killedAt === null ? Number.POSITIVE_INFINITY : options.killedAt * 1e6

  /** Processor time of a runner; what follows comes when it is done, unless the runner is gone by then. */
  const work = (runner: Runner, now: number, micros: number, begun: number, then: (at: number) => void): void => {
    runner.freeAt = Math.max(now, runner.freeAt) + micros
    runner.busy += micros
    const at = runner.freeAt
    agenda.add(at, () => (runner.alive ? then(at) : repeat(begun)))
  }

  const repeat = (begun: number): void => {
    const at = killMicros + options.repeatMicros
    agenda.add(at, () => arrive(at, begun))
  }

  const alive = (): Runner => {
    const standing = runners.filter((runner) => runner.alive)
    return standing[seeded.below(standing.length)]!
  }

  const ownerOf = (): Runner => {
    let left = unit()
    for (const [index, share] of options.shares.entries()) {
      left -= share
      if (left <= 0) return runners[index]!
    }
    return runners[count - 1]!
  }

  // A call whose owner is gone is answered where it arrives.
  const arrive = (now: number, begun: number): void => {
    const [entry, owner] = [alive(), ownerOf()]
    if (entry === owner || !owner.alive)
      return work(entry, now, options.runnerMicros, begun, (at) => gather(entry, at, begun))
    work(entry, now, options.forwardMicros, begun, (at) =>
      work(owner, at, options.forwardMicros + options.runnerMicros, begun, (done) => gather(owner, done, begun))
    )
  }

  const gather = (runner: Runner, now: number, begun: number): void => {
    runner.gathering.push(begun)
    send(runner, now)
  }

  const send = (runner: Runner, now: number): void => {
    while (runner.gathering.length > 0 && runner.inFlight < appendsAtOnce) {
      const share = Math.ceil(runner.gathering.length / (appendsAtOnce - runner.inFlight))
      const batch = runner.gathering.splice(0, Math.min(batchCapacity, Math.max(worthwhileEntries, share)))
      runner.inFlight += 1
      total.batches += 1
      total.entries += batch.length
      const at = now + roundTripMicros / 2
      agenda.add(at, () => commit(at, batch.length, (done) => answer(runner, done + roundTripMicros / 2, batch)))
    }
  }

  const answer = (runner: Runner, at: number, batch: ReadonlyArray<number>): void =>
    agenda.add(at, () => {
      runner.inFlight -= 1
      if (!runner.alive) return batch.forEach(repeat)
      for (const begun of batch) {
        waits.push((at - begun) / 1_000)
        if (begun >= killMicros && begun < killMicros + 1e6) waitsAfterKill.push((at - begun) / 1_000)
      }
      send(runner, at)
    })

  // One sync at a time carries everything that was ready when it began.
  let ready: Array<(at: number) => void> = []
  let syncing = false
  const sync = (now: number): void => {
    if (syncing || ready.length === 0) return
    syncing = true
    total.syncs += 1
    const carried = ready
    ready = []
    const at = now + options.syncMicros
    agenda.add(at, () => {
      syncing = false
      for (const done of carried) done(at)
      sync(at)
    })
  }

  const commit = (now: number, entries: number, done: (at: number) => void): void => {
    const micros = options.statementMicros + entries * options.rowMicros
    const processor = processors.indexOf(Math.min(...processors))
    const at = Math.max(now, processors[processor]!) + micros
    processors[processor] = at
    total.database += micros
    agenda.add(at, () => {
      ready.push(done)
      sync(at)
    })
  }

  const next = (after: number): void => {
    const at = after - (Math.log(unit()) * 1e6) / callsPerSecond
    if (at >= seconds * 1e6) return
    agenda.add(at, () => {
      arrive(at, at)
      next(at)
    })
  }
  next(0)
  if (options.killedAt !== null)
    agenda.add(killMicros, () => {
      runners[0]!.alive = false
      for (const begun of runners[0]!.gathering.splice(0)) repeat(begun)
    })
  agenda.run()

  const sorted = waits.sort((a, b) => a - b)
  return {
    busiestRunner: Math.max(...runners.map(({ busy }) => busy)) / (seconds * 1e6),
    database: total.database / (seconds * 1e6 * options.databaseProcessors),
    disk: (total.syncs * options.syncMicros) / (seconds * 1e6),
    batchEntries: total.entries / total.batches,
    meanMillis: sorted.reduce((sum, wait) => sum + wait, 0) / sorted.length,
    p50Millis: percentile(sorted, 0.5),
    p99Millis: percentile(sorted, 0.99),
    afterKillP99Millis: percentile(
      waitsAfterKill.sort((a, b) => a - b),
      0.99
    ),
    calls: waits.length
  }
}
