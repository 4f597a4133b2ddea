/** Broken: subjects that break the promise, each in one way. A contest with one of them in it must fail. */
import { ofPromises, type Subject } from "../src/Runner.js"
import { decide, idsOf, initial, type Register, type RegisterAnswer, see } from "../src/subjects/Register.js"

type Update = (sessions: Map<string, Register>, id: string, expected: string, next: string) => Promise<RegisterAnswer>

const subject = (update: Update) => (): Subject => {
  const sessions = new Map<string, Register>()
  return ofPromises(
    { update: (id: string, expected: string, next: string) => update(sessions, id, expected, next), see },
    {
      open: async (count) => {
        const ids = idsOf(count)
        for (const id of ids) sessions.set(id, initial)
        return ids
      },
      close: async () => {}
    }
  )
}

/** Nothing wrong with this one. */
export const sound = subject(async (sessions, id, expected, next) => {
  const answer = decide(sessions.get(id)!, expected, next)
  if (answer.ok) sessions.set(id, answer)
  return answer
})

/** Looks, waits, writes: of all who looked, everybody wins. */
export const doubleWin = subject(async (sessions, id, expected, next) => {
  const answer = decide(sessions.get(id)!, expected, next)
  await Promise.resolve()
  if (answer.ok) sessions.set(id, answer)
  return answer
})

/** Forgets the update it has accepted, every hundredth time. */
export const lostUpdate = (): Subject => {
  let accepted = 0
  return subject(async (sessions, id, expected, next) => {
    const answer = decide(sessions.get(id)!, expected, next)
    if (answer.ok && ++accepted % 100 !== 0) sessions.set(id, answer)
    return answer
  })()
}

/** Refuses by what was true one update ago. */
export const staleRefusal = (): Subject => {
  const older = new Map<string, Register>()
  return subject(async (sessions, id, expected, next) => {
    const now = sessions.get(id)!
    const answer = decide(now, expected, next)
    if (!answer.ok) return { ...(older.get(id) ?? now), ok: false }
    older.set(id, now)
    sessions.set(id, answer)
    return answer
  })()
}

/** Says accepted, and leaves everything as it was. */
export const idle = subject(async (sessions, id, expected, next) => {
  const { version } = sessions.get(id)!
  return { ok: true, state: expected === next ? expected : next, version: version + 1 }
})
