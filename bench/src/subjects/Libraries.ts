/**
 * Libraries: the usual tools of a Node program for keeping turns apart. Each has the configuration that its
 * documentation gives for this purpose, with one instance per session.
 */
import { Mutex } from "async-mutex"
import { dispatch, query, type Ref, spawn, start } from "nact"
import PQueue from "p-queue"
import { type Actor, assign, createActor, setup } from "xstate"
import { ofPromises, type Subject } from "../Runner.js"
import { decide, idsOf, initial, type Register, type RegisterAnswer, see } from "./Register.js"

const opening =
  <A>(sessions: Map<string, A>, make: (id: string) => A) =>
  async (count: number): Promise<ReadonlyArray<string>> => {
    const ids = idsOf(count)
    for (const id of ids) sessions.set(id, make(id))
    return ids
  }

/** `async-mutex`: `runExclusive` around an `async` function. */
export const sequenced = (): Subject => {
  const sessions = new Map<string, { readonly turns: Mutex; register: Register }>()
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) => {
        const session = sessions.get(id)!
        return session.turns.runExclusive(async () => {
          const answer = decide(session.register, expected, next)
          if (answer.ok) session.register = answer
          return answer
        })
      },
      see
    },
    { open: opening(sessions, () => ({ turns: new Mutex(), register: initial })), close: async () => {} }
  )
}

/** `p-queue` with `concurrency: 1`. */
export const pQueue = (): Subject => {
  const sessions = new Map<string, { readonly queue: PQueue; register: Register }>()
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) => {
        const session = sessions.get(id)!
        return session.queue.add(async () => {
          const answer = decide(session.register, expected, next)
          if (answer.ok) session.register = answer
          return answer
        }) as Promise<RegisterAnswer>
      },
      see
    },
    {
      open: opening(sessions, () => ({ queue: new PQueue({ concurrency: 1 }), register: initial })),
      close: async () => {}
    }
  )
}

type Update = {
  readonly type: "update"
  readonly expected: string
  readonly next: string
  readonly reply: (answer: RegisterAnswer) => void
}

const machine = setup({ types: { context: {} as Register, events: {} as Update } }).createMachine({
  context: initial,
  on: {
    update: {
      actions: assign(({ context, event }) => {
        const answer = decide(context, event.expected, event.next)
        event.reply(answer)
        return answer.ok ? { state: answer.state, version: answer.version } : {}
      })
    }
  }
})

/** `xstate`: an actor per session whose machine decides; the answer comes back through the event. */
export const xstate = (): Subject => {
  const sessions = new Map<string, Actor<typeof machine>>()
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) =>
        new Promise<RegisterAnswer>((reply) => sessions.get(id)!.send({ type: "update", expected, next, reply })),
      see
    },
    {
      open: opening(sessions, () => createActor(machine).start()),
      close: async () => {
        for (const actor of sessions.values()) actor.stop()
      }
    }
  )
}

type Ask = { readonly expected: string; readonly next: string; readonly sender: Ref<RegisterAnswer> }

/** `nact`: an actor per session, called with `query`. */
export const nact = (): Subject => {
  const system = start()
  const sessions = new Map<string, Ref<Ask>>()
  const spawned = (id: string): Ref<Ask> =>
    spawn(
      system,
      (register: Register, message: Ask) => {
        const answer = decide(register, message.expected, message.next)
        dispatch(message.sender, answer)
        return answer.ok ? answer : register
      },
      id,
      { initialState: initial }
    ) as unknown as Ref<Ask>
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) =>
        query(sessions.get(id)!, (sender: Ref<RegisterAnswer>) => ({ expected, next, sender }), 60_000),
      see
    },
    { open: opening(sessions, spawned), close: async () => {} }
  )
}
