/**
 * BodySuite: actors whose state has a large part (`Behavior.body`), over any journal. Its changes must survive a
 * restart, a conflict and a failed commit, however rarely the journal writes it.
 */
import { assert, describe, it } from "@effect/vitest"
import { ActorSystem, type Behavior, type EngineConfig, type EngineError, GroupCommit, Journal } from "@onelane/engine"
import * as Seeded from "@onelane/testing/Seeded"
import { Effect, Exit, Fiber, Layer, type Scope } from "effect"

type Fields = Readonly<Record<string, string>>

/** A counter with a document, which has fields. */
interface Document {
  readonly count: number
  readonly fields: Fields | null
}

/** Sets fields, removes all (`null`), or leaves them unchanged. */
interface Edit {
  readonly set?: Fields | null | undefined
}

const evolve = ({ count, fields }: Document, { set }: Edit): Document => ({
  count: count + 1,
  fields: set === undefined ? fields : set === null ? null : { ...fields, ...set }
})

const behavior: Behavior.Behavior<Document, Edit, Edit, Document, EngineError.EngineError> = {
  kind: "document",
  initial: { count: 0, fields: null },
  prepare: () => Exit.void,
  digestsOf: () => [],
  decide: (_state, edit) => ({ events: [edit], reply: (after) => after }),
  evolve,
  decode: (stored) => {
    if ((stored as Document).fields !== null) throw new Error("the document was stored with the rest")
    return stored as Document
  },
  alarm: () => null,
  body: {
    of: ({ fields }) => fields,
    without: (state) => (state.fields === null ? state : { ...state, fields: null }),
    with: (state, fields) => ({ ...state, fields: fields as Fields }),
    changeOf: ({ set }) => set,
    heldBy: ({ set }) => set
  }
}

const makeSystem = ActorSystem.make(behavior, { unavailable: (error) => error })

type System = Effect.Effect.Success<typeof makeSystem>

/** Runs `use` on a system of its own over this journal. */
const within = <A, E>(
  journal: Journal.JournalShape,
  use: (system: System) => Effect.Effect<A, E>,
  config: Partial<EngineConfig.EngineConfig> = {}
) =>
  Effect.scoped(Effect.flatMap(makeSystem, use)).pipe(
    Effect.provide(GroupCommit.layer(config).pipe(Layer.provide(Layer.succeed(Journal.Journal, journal))))
  )

/** Random edits: most change little, some nothing, a few much or all. */
const editsOf = (seed: number, count: number): ReadonlyArray<Edit> => {
  const seeded = Seeded.make(seed)
  return Array.from({ length: count }, () => {
    const what = seeded.pick(["little", "little", "little", "nothing", "nothing", "much", "all"])
    if (what === "nothing") return {}
    if (what === "all") return { set: seeded.pick([null, { all: "" }]) }
    const text = "x".repeat(what === "much" ? 3_000 : seeded.pick([1, 20, 200]))
    return { set: { [`field ${seeded.pick([1, 2, 3, 4, 5])}`]: `${text} ${seeded.pick([1, 2, 3])}` } }
  })
}

/** Counts the bodies that are written. */
const counting = (journal: Journal.JournalShape) => {
  const written = { bodies: 0, entries: 0 }
  const append: Journal.JournalShape["append"] = (batch) => {
    for (const { body } of batch) {
      written.entries += 1
      if (body?.value !== undefined) written.bodies += 1
    }
    return journal.append(batch)
  }
  return { written, journal: { ...journal, append } }
}

/** Registers the suite; a layer that is built gives a store of its own. */
export const run = (name: string, layer: Layer.Layer<Journal.Journal, unknown>): void => {
  const test: Test = (title, body) =>
    it.scopedLive(title, () => Effect.provide(Effect.flatMap(Journal.Journal, body), layer))
  describe(name, () => {
    test("a body is after every restart what its events made of it", (journal) =>
      Effect.gen(function* () {
        for (const seed of [1, 2, 3, 4]) {
          const id = `document ${seed}`
          let model = behavior.initial
          const edits = editsOf(seed, 120)
          for (let from = 0; from < edits.length; from += 7) {
            const part = edits.slice(from, from + 7)
            const { state } = yield* within(journal, (system) =>
              Effect.zipRight(
                Effect.forEach(part, (edit) => system.ask(id, edit)),
                system.read(id)
              )
            )
            model = part.reduce(evolve, model)
            assert.deepStrictEqual(state, model)
          }
          const after = yield* within(journal, (system) => system.read(id))
          assert.deepStrictEqual(after, { state: model, sequence: edits.length })
        }
      }))

    test("turns that share an entry share its body", (journal) =>
      Effect.gen(function* () {
        const edits = editsOf(7, 200)
        const model = edits.reduce(evolve, behavior.initial)
        yield* within(journal, (system) =>
          Effect.forEach(edits, (edit) => system.ask("shared", edit), { concurrency: "unbounded" })
        )
        assert.deepStrictEqual((yield* within(journal, (system) => system.read("shared"))).state, model)
      }))

    test("A4: engines that edit one document in turn lose nothing of each other", (journal) =>
      Effect.gen(function* () {
        const open = { ...journal, exclusive: false }
        const edits = editsOf(11, 60).filter(({ set }) => set !== null)
        const fields = edits.map((_, index) => ({ set: { [`mine ${index}`]: "x".repeat(index) } }))
        yield* within(open, (one) =>
          within(open, (other) =>
            Effect.forEach(fields, (edit, index) => (index % 3 === 0 ? one : other).ask("raced", edit), {
              concurrency: 4
            })
          )
        )
        const { state } = yield* within(journal, (system) => system.read("raced"))
        assert.deepStrictEqual(state.fields, Object.assign({}, ...fields.map(({ set }) => set)))
      }))

    test("A3: what a failed commit held of a body is not taken for written", (journal) =>
      Effect.gen(function* () {
        let fails = false
        const failing: Journal.JournalShape = {
          ...journal,
          append: (batch) => (fails ? Exit.fail(Journal.failure("no", "DISK_FULL")) : journal.append(batch))
        }
        const { state } = yield* within(failing, (system) =>
          Effect.gen(function* () {
            yield* system.ask("full", { set: { kept: "1" } })
            fails = true
            yield* Effect.flip(system.ask("full", { set: { lost: "x".repeat(5_000) } }))
            fails = false
            yield* system.ask("full", {})
            yield* system.ask("full", { set: { more: "2" } })
            return yield* system.read("full")
          })
        )
        assert.deepStrictEqual(state, { count: 3, fields: { kept: "1", more: "2" } })
        assert.deepStrictEqual((yield* within(journal, (system) => system.read("full"))).state, state)
      }))

    test("a body that does not change is not written, and one that changes little seldom where the journal allows it", (inner) => {
      const { journal, written } = counting(inner)
      const edit = (set?: Fields) => within(journal, (system) => system.ask("small", { set }))
      return Effect.gen(function* () {
        yield* edit({ large: "x".repeat(2_000) })
        assert.deepStrictEqual(written, { bodies: 1, entries: 1 })
        for (let round = 0; round < 10; round++) yield* edit()
        assert.deepStrictEqual(written, { bodies: 1, entries: 11 })
        for (let round = 0; round < 20; round++) yield* edit({ small: `${round}${"y".repeat(180)}` })
        const most = (inner.bodyLagEvents ?? 0) > 0 ? 4 : 21
        assert.isAtMost(written.bodies, most)
        assert.isAtLeast(written.bodies, 2)
        const { body } = (yield* inner.load({ kind: "document", id: "small" }))!
        assert.isAtMost(body!.since.length, inner.bodyLagEvents ?? 0)
      })
    })

    test("a body lacks few events even when only the first of them changed it", (inner) => {
      const { journal, written } = counting(inner)
      return within(journal, (system) =>
        Effect.gen(function* () {
          yield* system.ask("late", { set: { large: "x".repeat(2_000) } })
          yield* system.ask("late", { set: { small: "y" } })
          for (let round = 0; round < 40; round++) yield* system.ask("late", {})
          assert.strictEqual(written.bodies, 2)
          const { body } = (yield* inner.load({ kind: "document", id: "late" }))!
          assert.deepStrictEqual(body, { value: { large: "x".repeat(2_000), small: "y" }, since: [] })
        })
      )
    })

    bounds(test)
  })
}

type Test = (title: string, body: (journal: Journal.JournalShape) => Effect.Effect<void, unknown, Scope.Scope>) => void

const bounds = (test: Test): void => {
  test("waiting commands and answers hold no more bytes than an address and the engine may, and one more", (inner) =>
    Effect.gen(function* () {
      const latch = yield* Effect.makeLatch(false)
      const append: Journal.JournalShape["append"] = (batch) => latch.whenOpen(inner.append(batch))
      const journal: Journal.JournalShape = { ...inner, immediate: false, append }
      const edit = { set: { large: "x".repeat(6_000) } }
      const refusals = { address: 0, system: 0 }
      const ids = ["a", "a", "a", "a", "b", "b", "c", "d"]
      yield* within(
        journal,
        (system) =>
          Effect.gen(function* () {
            const asked = ids.map((id) =>
              Effect.catchTag(system.ask(id, edit), "MailboxFull", ({ scope }) =>
                Effect.sync(() => void (refusals[scope] += 1))
              )
            )
            const all = yield* Effect.fork(Effect.all(asked, { concurrency: "unbounded" }))
            yield* Effect.yieldNow()
            yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
            // With an asynchronous load, commands wait, but their answers are not counted yet.
            if (inner.immediate) assert.deepStrictEqual(refusals, { address: 2, system: 2 })
            assert.isAbove(refusals.system, 0)
            yield* latch.open
            yield* Fiber.join(all)
            yield* system.ask("d", edit)
            assert.isAtLeast((yield* system.read("a")).sequence, 2)
          }).pipe(Effect.ensuring(latch.open)),
        { mailboxBytes: 20_000, systemBytes: 40_000 }
      )
    }))

  test("answers that wait for the disk count as if each held a copy of the body", (inner) =>
    Effect.gen(function* () {
      const latch = yield* Effect.makeLatch(true)
      const append: Journal.JournalShape["append"] = (batch) => latch.whenOpen(inner.append(batch))
      yield* within(
        { ...inner, immediate: false, append },
        (system) =>
          Effect.gen(function* () {
            yield* system.ask("copied", { set: { large: "x".repeat(6_000) } })
            yield* latch.close
            const asked = Array.from({ length: 5 }, () => Effect.either(system.ask("copied", {})))
            const all = yield* Effect.fork(Effect.all(asked, { concurrency: "unbounded" }))
            yield* Effect.yieldNow()
            yield* Effect.promise(() => new Promise((resume) => setImmediate(resume)))
            yield* latch.open
            const answers = yield* Fiber.join(all)
            assert.deepStrictEqual(
              answers.map((answer) => answer._tag),
              ["Right", "Right", "Left", "Left", "Left"]
            )
            yield* system.ask("copied", {})
          }),
        { mailboxBytes: 10_000 }
      )
    }))

  test("an append holds no more bytes of bodies than it may, unless it is of one address", (inner) =>
    Effect.gen(function* () {
      const batches: Array<number> = []
      const append: Journal.JournalShape["append"] = (batch) => {
        batches.push(batch.length)
        return inner.append(batch)
      }
      const ids = Array.from({ length: 20 }, (_, index) => `batched ${index}`)
      const asked = (system: System, characters: number) =>
        Effect.forEach(ids, (id) => system.ask(id, { set: { large: "x".repeat(characters) } }), {
          concurrency: "unbounded"
        })
      const run = (characters: number) =>
        within({ ...inner, immediate: false, append }, (system) => asked(system, characters), { batchBytes: 70_000 })
      yield* run(10_000)
      assert.isAtMost(Math.max(...batches), 3)
      assert.isAtLeast(Math.max(...batches), 2)
      batches.length = 0
      yield* run(100_000)
      assert.deepStrictEqual(batches, Array(20).fill(1))
    }))

  test("idle actors keep no more bytes of bodies in memory than they may", (journal) =>
    within(
      journal,
      (system) =>
        Effect.gen(function* () {
          const ids = Array.from({ length: 20 }, (_, index) => `idle ${index}`)
          for (const id of ids) yield* system.ask(id, { set: { large: "x".repeat(10_000) } })
          assert.isAtMost(system.metrics.live, 5)
          for (const id of ids) assert.lengthOf((yield* system.read(id)).state.fields!.large!, 10_000)
          assert.isAtMost(system.metrics.live, 5)
        }),
      { bodyBytes: 50_000 }
    ))
}
