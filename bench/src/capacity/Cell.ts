/**
 * Cell: one PostgreSQL and its runners, as queues. Calls arrive at random and wait for the processor of their runner.
 * Then they form batches by the rule of the engine's group commit, and wait for the processors and the disk of the
 * database. Nothing here is measured: the input is service times, the result is waiting times. Repeatable by seed.
 */
import * as Seeded from "@onelane/testing/Seeded"
import { percentile } from "../Sample.js"
import * as Agenda from "./Agenda.js"
import * as Database from "./Database.js"

/** The parameters of a cell. Times are microseconds. */
export interface CellOptions extends Database.DatabaseOptions {
  readonly seed: number
  readonly runners: number
  /** Calls a second, all runners together. */
  readonly callsPerSecond: number
  /** Processor time of a call at its runner: API, engine, driver. */
  readonly runnerMicros: number
  /** Processor time of a forwarded call, at each end. */
  readonly forwardMicros: number
  /** Each runner's share of all calls: how evenly shards are divided. */
  readonly shares: ReadonlyArray<number>
  readonly roundTripMicros: number
  readonly seconds: number
  /** When runner 0 is killed, seconds; null: never. */
  readonly killedAt: number | null
  /** How long a caller takes to switch to another runner after its runner was killed. */
  readonly repeatMicros: number
}

/** The result. Loads are shares of the time, waiting is in milliseconds. */
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

interface World {
  readonly options: CellOptions
  readonly agenda: Agenda.Agenda
  readonly database: Database.Database
  readonly runners: ReadonlyArray<Runner>
  /** The next number of a uniform draw, above 0 and up to 1. */
  readonly unit: () => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  readonly killMicros: number
  /** Milliseconds that each call waited, and each of those that began just after the kill. */
  readonly waits: Array<number>
  readonly waitsAfterKill: Array<number>
  batches: number
}

interface Runner {
  freeAt: number
  busy: number
  gathering: Array<number>
  inFlight: number
  alive: boolean
}

/** Runs the simulation. */
export const run = (options: CellOptions): CellOutcome => {
  const seeded = Seeded.make(options.seed)
  const agenda = Agenda.make()
  const world: World = {
    options,
    agenda,
    database: Database.make(options, agenda),
    runners: Array.from(
      { length: options.runners },
      (): Runner => ({ freeAt: 0, busy: 0, gathering: [], inFlight: 0, alive: true })
    ),
    unit: () => (seeded.below(1_000_000_000) + 1) / 1_000_000_000,
    pick: seeded.pick,
    killMicros: options.killedAt === null ? Number.POSITIVE_INFINITY : options.killedAt * 1e6,
    waits: [],
    waitsAfterKill: [],
    batches: 0
  }
  next(world, 0)
  if (options.killedAt !== null) agenda.add(world.killMicros, () => kill(world))
  agenda.run()
  return outcomeOf(world)
}

const outcomeOf = ({ batches, database, options, runners, waits, waitsAfterKill }: World): CellOutcome => {
  const micros = options.seconds * 1e6
  const sorted = waits.sort((a, b) => a - b)
  return {
    busiestRunner: Math.max(...runners.map(({ busy }) => busy)) / micros,
    database: database.done.processorMicros / (micros * options.databaseProcessors),
    disk: (database.done.syncs * options.syncMicros) / micros,
    batchEntries: waits.length / batches,
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

// Calls arrive at random: the pauses between them are exponential.
const next = (world: World, after: number): void => {
  const { agenda, options, unit } = world
  const at = after - (Math.log(unit()) * 1e6) / options.callsPerSecond
  if (at >= options.seconds * 1e6) return
  agenda.add(at, () => {
    arrive(world, at, at)
    next(world, at)
  })
}

// If the owner of a call is gone, the runner that received the call answers it.
const arrive = (world: World, now: number, begun: number): void => {
  const { forwardMicros, runnerMicros } = world.options
  const entry = world.pick(world.runners.filter(({ alive }) => alive))
  const owner = ownerOf(world)
  if (entry === owner || !owner.alive)
    return work(world, entry, now, runnerMicros, begun, (at) => gather(world, entry, at, begun))
  work(world, entry, now, forwardMicros, begun, (at) =>
    work(world, owner, at, forwardMicros + runnerMicros, begun, (done) => gather(world, owner, done, begun))
  )
}

const ownerOf = ({ options, runners, unit }: World): Runner => {
  let left = unit()
  for (const [index, share] of options.shares.entries()) {
    left -= share
    if (left <= 0) return runners[index]!
  }
  return runners[runners.length - 1]!
}

/** Uses processor time of a runner; the next step follows, unless the runner is gone by then. */
const work = (
  world: World,
  runner: Runner,
  now: number,
  micros: number,
  begun: number,
  then: (at: number) => void
): void => {
  const at = Math.max(now, runner.freeAt) + micros
  runner.freeAt = at
  runner.busy += micros
  world.agenda.add(at, () => (runner.alive ? then(at) : repeat(world, begun)))
}

const gather = (world: World, runner: Runner, now: number, begun: number): void => {
  runner.gathering.push(begun)
  send(world, runner, now)
}

const send = (world: World, runner: Runner, now: number): void => {
  const away = world.options.roundTripMicros / 2
  while (runner.gathering.length > 0 && runner.inFlight < appendsAtOnce) {
    const share = Math.ceil(runner.gathering.length / (appendsAtOnce - runner.inFlight))
    const batch = runner.gathering.splice(0, Math.min(batchCapacity, Math.max(worthwhileEntries, share)))
    runner.inFlight += 1
    world.batches += 1
    const answered = (at: number): void => world.agenda.add(at + away, () => answer(world, runner, at + away, batch))
    world.agenda.add(now + away, () => world.database.commit(now + away, batch.length, answered))
  }
}

const answer = (world: World, runner: Runner, at: number, batch: ReadonlyArray<number>): void => {
  runner.inFlight -= 1
  for (const begun of batch) {
    if (!runner.alive) repeat(world, begun)
    else note(world, at, begun)
  }
  if (runner.alive) send(world, runner, at)
}

const note = ({ killMicros, waits, waitsAfterKill }: World, at: number, begun: number): void => {
  waits.push((at - begun) / 1_000)
  if (begun >= killMicros && begun < killMicros + 1e6) waitsAfterKill.push((at - begun) / 1_000)
}

const repeat = (world: World, begun: number): void => {
  const at = world.killMicros + world.options.repeatMicros
  world.agenda.add(at, () => arrive(world, at, begun))
}

const kill = (world: World): void => {
  const runner = world.runners[0]!
  runner.alive = false
  for (const begun of runner.gathering.splice(0)) repeat(world, begun)
}
