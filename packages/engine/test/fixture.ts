/** A counter behavior and a journal whose answers the test gives by hand. */
import {
  ActorSystem,
  Behavior,
  type EngineConfig,
  type EngineError,
  GroupCommit,
  Journal,
  JournalMemory
} from "@onelane/engine"
import { Deferred, Effect, Exit, Layer } from "effect"

export interface Count {
  readonly value: number
}

/** `add` moves from an expected value; `port` makes the turn ask an effectful port first. */
export interface Add {
  /** The digest it carries, and records when it adds. */
  readonly digest?: string
  readonly expect: number | null
  readonly by: number
  readonly port?: Effect.Effect<void, "port">
  readonly throwIn?: "prepare" | "decide" | "evolve" | "reply"
}

export interface Added {
  readonly by: number
  readonly poison?: boolean
}

export type Refusal = { readonly _tag: "Mismatch"; readonly value: number } | "port" | EngineError.EngineError

const explode = (where: string): never => {
  throw new Error(`defect in ${where}`)
}

export type Counted = Count & { readonly sequence: number; readonly replayed?: boolean }

export const counter: Behavior.Behavior<Count, Add, Added, Counted, Refusal, void> = {
  kind: "counter",
  digestsOf: (_, { digest }) => (digest === undefined ? Behavior.noDigests : [digest]),
  initial: { value: 0 },
  prepare: (_state, { port, throwIn }) => (throwIn === "prepare" ? explode("prepare") : (port ?? Exit.void)),
  decide: (state, { digest, expect, by, throwIn }, { records }) => {
    if (throwIn === "decide") explode("decide")
    const [before] = records
    if (before !== undefined)
      return { events: [], reply: () => ({ ...before.state, sequence: before.sequence, replayed: true }) }
    if (expect !== null && expect !== state.value) return Exit.fail({ _tag: "Mismatch", value: state.value })
    return {
      events: by === 0 ? [] : [{ by, poison: throwIn === "evolve" }],
      digests: digest === undefined ? undefined : [digest],
      reply: (after, sequence) => (throwIn === "reply" ? explode("reply") : { ...after, sequence })
    }
  },
  evolve: (state, { by, poison }) => (poison === true ? explode("evolve") : { value: state.value + by }),
  decode: (stored) => stored as Count,
  alarm: () => null
}

export const add = (expect: number | null, by = 1, more: Partial<Add> = {}): Add => ({ expect, by, ...more })

export type System = ActorSystem.ActorSystem<Count, Add, Counted, Refusal>

export const makeSystem = ActorSystem.make(counter, { unavailable: (error): Refusal => error })

/** The engine over a journal, with limits. */
export const over = (journal: Journal.JournalShape, config: Partial<EngineConfig.EngineConfig> = {}) =>
  GroupCommit.layer(config).pipe(Layer.provide(Layer.succeed(Journal.Journal, journal)))

export type Answer = Exit.Exit<ReadonlyArray<Journal.AppendOutcome>, Journal.JournalFailure>

/** One append under way: what it holds, and the switch that answers it. `write` lets the entries through to memory. */
export interface Held {
  readonly batch: ReadonlyArray<Journal.JournalEntry>
  readonly write: Effect.Effect<ReadonlyArray<Journal.AppendOutcome>>
  readonly answer: (exit: Answer) => Effect.Effect<void>
  /** Writes and confirms. */
  readonly commit: Effect.Effect<void>
}

/** A memory journal whose appends wait for the test. */
export const heldJournal = (overrides: Partial<Journal.JournalShape> = {}) => {
  const memory = JournalMemory.make()
  const held: Array<Held> = []
  const journal: Journal.JournalShape = {
    ...memory,
    immediate: false,
    append: (batch) =>
      Effect.gen(function* () {
        const answered = yield* Deferred.make<ReadonlyArray<Journal.AppendOutcome>, Journal.JournalFailure>()
        const write = Effect.suspend(() => Effect.orDie(memory.append(batch)))
        const answer = (exit: Answer) => Effect.asVoid(Deferred.done(answered, exit))
        held.push({ batch, write, answer, commit: Effect.flatMap(write, (outcomes) => answer(Exit.succeed(outcomes))) })
        return yield* Deferred.await(answered)
      }),
    ...overrides
  }
  /** Waits until the `n`-th append (from 0) is under way. */
  const append = (n: number): Effect.Effect<Held> =>
    Effect.suspend(() => {
      const found = held[n]
      return found === undefined ? Effect.zipRight(nextTick, append(n)) : Effect.succeed(found)
    })
  return { journal, memory, held, append }
}

/** Follows an address with effects: `next` is the page after the last one. */
export const follow = (system: System, id: string, afterSequence: number) => {
  const feed = system.follow(id)
  let after = afterSequence
  const next = Effect.async<ActorSystem.Page, Refusal>((resume) => {
    feed.ask(after, (exit) => {
      if (Exit.isSuccess(exit)) after = exit.value[exit.value.length - 1]!.sequence
      resume(exit)
    })
    return Effect.sync(feed.withdraw.bind(feed))
  })
  return { next, leave: Effect.sync(() => feed.leave()) }
}

/** Lets the event loop come round once. */
export const nextTick: Effect.Effect<void> = Effect.async((resume) => void setImmediate(() => resume(Effect.void)))

export const memoryWith = (overrides: Partial<Journal.JournalShape>): Journal.JournalShape => ({
  ...JournalMemory.make(),
  ...overrides
})

/** What a call was refused with. */
export const failureTag = (exit: Exit.Exit<unknown, Refusal>) =>
  Exit.isFailure(exit) && exit.cause._tag === "Fail" ? exit.cause.error : undefined
