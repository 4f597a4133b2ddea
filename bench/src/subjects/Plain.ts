/**
 * Plain: the floors. No library, nothing that keeps turns apart; right only because nothing in them ever waits.
 */
import * as Load from "../Load.js"
import { ofPromises, type Subject } from "../Runner.js"
import { decide, idsOf, initial, type Register, see } from "./Register.js"

const registers = () => {
  const sessions = new Map<string, Register>()
  return {
    sessions,
    update: (id: string, expected: string, next: string) => {
      const answer = decide(sessions.get(id)!, expected, next)
      if (answer.ok) sessions.set(id, answer)
      return answer
    },
    open: async (count: number) => {
      const ids = idsOf(count)
      for (const id of ids) sessions.set(id, initial)
      return ids
    },
    close: async () => {}
  }
}

/** A function over a Map. */
export const bare = (): Subject => {
  const { update, open, close } = registers()
  return { open, close, run: async (desk) => Load.runPlain(desk, { update, see }) }
}

/** An `async` function over a Map. */
export const asyncFunction = (): Subject => {
  const { update, open, close } = registers()
  return ofPromises(
    { update: async (id: string, expected: string, next: string) => update(id, expected, next), see },
    { open, close }
  )
}

/** A chain of promises per session: each call waits for the one before. */
export const promiseChain = (): Subject => {
  const { update, open, close } = registers()
  const tails = new Map<string, Promise<unknown>>()
  return ofPromises(
    {
      update: (id: string, expected: string, next: string) => {
        const turn = (tails.get(id) ?? Promise.resolve()).then(() => update(id, expected, next))
        tails.set(id, turn)
        return turn
      },
      see
    },
    { open, close }
  )
}
