/** EffectPeers: the usual tools of an Effect program for keeping turns apart, with one instance per session. */
import { Machine } from "@effect/experimental"
import { Deferred, Effect, Exit, Queue, type Request, Scope, SynchronizedRef } from "effect"
import * as RequestOf from "effect/Request"
import type { Seen } from "../Log.js"
import { ofEffects, type Subject } from "../Runner.js"
import { decide, idsOf, initial, type Register, type RegisterAnswer, see } from "./Register.js"

/** A peer refuses in the error channel, as a service would. */
const exitOf = (answer: RegisterAnswer): Exit.Exit<RegisterAnswer, RegisterAnswer> =>
  answer.ok ? Exit.succeed(answer) : Exit.fail(answer)

const reading = { accepted: see, refused: see }

const opening =
  <A>(sessions: Map<string, A>, make: Effect.Effect<A>) =>
  (count: number): Promise<ReadonlyArray<string>> =>
    Effect.runPromise(
      Effect.gen(function* () {
        const ids = idsOf(count)
        for (const id of ids) sessions.set(id, yield* make)
        return ids
      })
    )

const nothing = async (): Promise<void> => {}

/** No-op: takes the call and returns a value made before. `refusing`: fails with such a value instead. */
export const noop = (refusing: boolean): Subject => {
  const answer: RegisterAnswer = { ...initial, ok: !refusing }
  const exit = exitOf(answer)
  const take = (_input: object): Effect.Effect<RegisterAnswer, RegisterAnswer> => Effect.suspend(() => exit)
  const quiet = (_: RegisterAnswer, seen: Seen): void => {
    seen.outcome = refusing ? "fail" : "ok"
    seen.version = -1
  }
  return ofEffects(
    {
      // Called like ours: a method that takes an input.
      update: (checkoutSessionId: string, expCurrentState: string, nextState: string) =>
        take({ checkoutSessionId, expCurrentState, nextState }),
      accepted: quiet,
      refused: quiet
    },
    { open: async (count) => idsOf(count), close: nothing, judged: false }
  )
}

/** A compare-and-set of the small record over a Map, as an effect: no turn-taking, no checks, no events. */
export const mapInEffect = (): Subject => {
  const sessions = new Map<string, Register>()
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) =>
        Effect.suspend(() => {
          const answer = decide(sessions.get(id)!, expected, next)
          if (answer.ok) sessions.set(id, answer)
          return exitOf(answer)
        }),
      ...reading
    },
    { open: opening(sessions, Effect.succeed(initial)), close: nothing }
  )
}

/** `Effect.makeSemaphore(1)` around the decision. */
export const semaphore = (): Subject => {
  const sessions = new Map<string, { readonly turns: Effect.Semaphore; register: Register }>()
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) => {
        const session = sessions.get(id)!
        return session.turns.withPermits(1)(
          Effect.suspend(() => {
            const answer = decide(session.register, expected, next)
            if (answer.ok) session.register = answer
            return exitOf(answer)
          })
        )
      },
      ...reading
    },
    {
      open: opening(
        sessions,
        Effect.map(Effect.makeSemaphore(1), (turns) => ({ turns, register: initial }))
      ),
      close: nothing
    }
  )
}

/** `SynchronizedRef.modifyEffect`. */
export const synchronizedRef = (): Subject => {
  const sessions = new Map<string, SynchronizedRef.SynchronizedRef<Register>>()
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) =>
        SynchronizedRef.modifyEffect(sessions.get(id)!, (register) => {
          const answer = decide(register, expected, next)
          return Effect.succeed([exitOf(answer), answer.ok ? answer : register] as const)
        }).pipe(Effect.flatten),
      ...reading
    },
    { open: opening(sessions, SynchronizedRef.make(initial)), close: nothing }
  )
}

interface Letter {
  readonly expected: string
  readonly next: string
  readonly reply: Deferred.Deferred<RegisterAnswer, RegisterAnswer>
}

/** The textbook actor: a `Queue`, a fiber that takes from it, a `Deferred` per call. */
export const queueActor = (): Subject => {
  const sessions = new Map<string, Queue.Queue<Letter>>()
  const scope = Effect.runSync(Scope.make())
  const spawn = Effect.gen(function* () {
    const queue = yield* Queue.unbounded<Letter>()
    let register = initial
    const turn = Effect.flatMap(Queue.take(queue), ({ expected, next, reply }) => {
      const answer = decide(register, expected, next)
      if (answer.ok) register = answer
      return Deferred.done(reply, exitOf(answer))
    })
    yield* Effect.forkIn(Effect.forever(turn), scope)
    return queue
  })
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) =>
        Effect.gen(function* () {
          const reply = yield* Deferred.make<RegisterAnswer, RegisterAnswer>()
          yield* Queue.offer(sessions.get(id)!, { expected, next, reply })
          return yield* Deferred.await(reply)
        }),
      ...reading
    },
    { open: opening(sessions, spawn), close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
  )
}

interface Update extends Request.Request<RegisterAnswer, RegisterAnswer> {
  readonly _tag: "Update"
  readonly expected: string
  readonly next: string
}
const Update = RequestOf.tagged<Update>("Update")

/** `Machine` of `@effect/experimental`: a procedure that decides. */
export const machineActor = (): Subject => {
  const sessions = new Map<string, Machine.Actor<typeof machine>>()
  const scope = Effect.runSync(Scope.make())
  const machine = Machine.make(
    Machine.procedures.make<Register>(initial).pipe(
      Machine.procedures.add<Update>()("Update", ({ request, state }) => {
        const answer = decide(state, request.expected, request.next)
        return answer.ok ? Effect.succeed([answer, answer] as const) : Effect.fail(answer)
      })
    )
  )
  return ofEffects(
    {
      update: (id: string, expected: string, next: string) => sessions.get(id)!.send(Update({ expected, next })),
      ...reading
    },
    {
      open: opening(sessions, Scope.extend(Machine.boot(machine), scope)),
      close: () => Effect.runPromise(Scope.close(scope, Exit.void))
    }
  )
}
