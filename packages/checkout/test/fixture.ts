/** A process: an engine over a journal that outlives it, so that a crash and a restart are two lines of a test. */
import { Access, Caller, Carts, CheckoutEngine, CheckoutSessions, type Task } from "@onelane/checkout"
import { Journal, JournalMemory } from "@onelane/engine"
import { Clock, Context, Deferred, Effect, Exit, Layer, Scope } from "effect"
import type { SessionEvent } from "../src/session/SessionEvent.js"

export const admin = Caller.make("admin", ["modify-all-data"])
export const buyer = Caller.make("buyer", ["buyer-checkout"])
export const colleague = Caller.make("colleague", ["buyer-checkout"])
export const integrator = Caller.make("integrator", ["commerce-integrator"])

export type Sessions = CheckoutSessions.CheckoutSessionsShape

/** One running engine. */
export interface Process {
  readonly sessions: Sessions
  readonly engine: CheckoutEngine.CheckoutEngineShape
  /** The process is gone: nothing it does from now on reaches the journal, and its tasks stop. */
  readonly crash: Effect.Effect<void>
  /** It ends in good order. */
  readonly stop: Effect.Effect<void>
}

/** When the process dies, told by the first event of this type that it appends. */
export interface Crash {
  readonly at: SessionEvent["type"]
  readonly when: "before the commit" | "after the commit"
}

export interface ProcessOptions extends CheckoutEngine.CheckoutEngineOptions {
  readonly crash?: Crash
  readonly access?: Access.AccessShape
  readonly carts?: Carts.CartsShape
}

const gone = Journal.failure("unknown", "CRASHED")

/** A journal as one process sees it: cut off when the process dies. */
export const seenBy = (
  journal: Journal.JournalShape,
  life: { dead: boolean },
  crash?: Crash
): Journal.JournalShape => ({
  ...journal,
  append: (batch) => {
    if (life.dead) return Exit.fail(gone)
    const struck = batch.some(({ events }) => events.some((event) => (event as SessionEvent).type === crash?.at))
    if (!struck) return journal.append(batch)
    life.dead = true
    const fatal = Exit.fail(gone)
    return crash?.when === "after the commit" ? Effect.zipRight(journal.append(batch), fatal) : fatal
  },
  load: (address) => (life.dead ? Exit.fail(gone) : journal.load(address)),
  events: (address, after, limit) => (life.dead ? Exit.fail(gone) : journal.events(address, after, limit)),
  alarms: (kind, before, limit, after) => (life.dead ? Exit.fail(gone) : journal.alarms(kind, before, limit, after))
})

/** Starts a process over a journal. */
export const boot = (
  journal: Journal.JournalShape,
  { access, carts, crash: crashAt, ...options }: ProcessOptions = {}
): Effect.Effect<Process, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const life = { dead: false }
    const ground = Layer.mergeAll(
      Layer.succeed(Journal.Journal, seenBy(journal, life, crashAt)),
      access === undefined ? Access.layerTrusted : Layer.succeed(Access.Access, access),
      carts === undefined ? Carts.layerTrusted : Layer.succeed(Carts.Carts, carts)
    )
    const layer = CheckoutEngine.layer({ taskDrainMillis: 0, ...options }).pipe(Layer.provide(ground))
    const context = yield* Layer.buildWithScope(layer, scope)
    const stop = Scope.close(scope, Exit.void)
    yield* Effect.addFinalizer(() => stop)
    return {
      sessions: Context.get(context, CheckoutSessions.CheckoutSessions),
      engine: Context.get(context, CheckoutEngine.CheckoutEngine),
      crash: Effect.zipRight(
        Effect.sync(() => {
          life.dead = true
        }),
        stop
      ),
      stop
    }
  })

/** A journal in memory whose commits are gathered and answered later, as a disk's are. */
export const slowMemory = (): Journal.JournalShape => {
  const memory = JournalMemory.make()
  return { ...memory, immediate: false, append: (batch) => Effect.zipRight(nextTick, memory.append(batch)) }
}

/** A wall clock that can jump; timers go on as before, as they do on a machine. */
export const jumpingClock = Effect.clockWith((steady) =>
  Effect.sync(() => {
    let shiftMillis = 0
    const nanos = () => BigInt(shiftMillis) * 1_000_000n + steady.unsafeCurrentTimeNanos()
    const millis = () => shiftMillis + steady.unsafeCurrentTimeMillis()
    const clock: Clock.Clock = {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      currentTimeMillis: Effect.sync(millis),
      unsafeCurrentTimeNanos: nanos,
      currentTimeNanos: Effect.sync(nanos),
      sleep: (duration) => steady.sleep(duration)
    }
    const jump = (millis: number) =>
      Effect.sync(() => {
        shiftMillis += millis
      })
    return { clock, jump }
  })
)

/** Lets the event loop come round once. */
export const nextTick: Effect.Effect<void> = Effect.async((resume) => void setImmediate(() => resume(Effect.void)))

/** Looks again, once a turn of the event loop, until it is so. */
export const until = <A, E, R>(
  look: Effect.Effect<A, E, R>,
  isSo: (a: A) => boolean,
  left = 1_000
): Effect.Effect<A, E, R> =>
  Effect.flatMap(look, (a) => {
    if (isSo(a)) return Effect.succeed(a)
    if (left === 0) return Effect.die(new Error(`it never came to be; last seen: ${JSON.stringify(a)}`))
    return Effect.zipRight(nextTick, until(look, isSo, left - 1))
  })

/** The session, once no task of it runs any more. */
export const settled = (sessions: Sessions, checkoutSessionId: string) =>
  until(sessions.get(admin, { checkoutSessionId }), (session) => !session.isProcessing)

/** Opens a session for a cart and gives its id. */
export const opened = (sessions: Sessions, cartId = "cart-1", input: Partial<CheckoutSessions.OpenInput> = {}) =>
  Effect.map(sessions.open(buyer, { cartId, ...input }), ({ session }) => session.id)

/** Every task context a task was run with, and a task whose outcome the test gives by hand. */
export const handTask = (options: Omit<Task.Task, "run"> = {}) =>
  Effect.gen(function* () {
    const calls: Array<Task.TaskContext> = []
    const outcomes: Array<Deferred.Deferred<Task.TaskSuccess | void, Task.TaskFailure>> = []
    const task: Task.Task = {
      ...options,
      run: (context) =>
        Effect.gen(function* () {
          const outcome = yield* Deferred.make<Task.TaskSuccess | void, Task.TaskFailure>()
          calls.push(context)
          outcomes.push(outcome)
          return yield* Deferred.await(outcome)
        })
    }
    /** Waits for the `n`-th call (from 0). */
    const called = (n: number) =>
      Effect.map(
        until(
          Effect.sync(() => calls.length),
          (length) => length > n
        ),
        () => calls[n]!
      )
    const succeed = (n: number, success: Task.TaskSuccess = {}) =>
      Effect.suspend(() => Deferred.succeed(outcomes[n]!, success))
    const fail = (n: number, failure: Task.TaskFailure) => Effect.suspend(() => Deferred.fail(outcomes[n]!, failure))
    return { task, calls, called, succeed, fail }
  })
