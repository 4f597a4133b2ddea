/**
 * Growth: the cost of an update as the store fills up, and of opening the store. The task of P12. A thousand of all
 * stored sessions are active.
 */
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Effect, ManagedRuntime } from "effect"
import type * as Load from "./Load.js"
import * as Runner from "./Runner.js"
import * as Stored from "./Stored.js"
import { effectDoor, engineOver } from "./subjects/Onelane.js"
import { makeDirectory } from "./WorkingFolder.js"

/** What `start` is given. */
export interface Options {
  readonly stored: number
  readonly calls: number
  /** True: a round is opening the file and reading one session; false: updates. */
  readonly opening: boolean
}

const working = 1_000

/** Fills a store and starts its callers. */
export const start = async ({ stored, calls, opening }: Options): Promise<Runner.Runner> => {
  const directory = makeDirectory()
  await Effect.runPromise(Effect.provide(Stored.write(0, stored), Stored.sqliteJournal(directory)))
  if (opening) return opener(directory, stored)
  const runtime = ManagedRuntime.make(engineOver(Stored.sqliteJournal(directory)))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const spaced = (_: unknown, index: number): string => Stored.idOf(Math.floor((index * stored) / working))
  return Runner.make(
    Runner.ofEffects(effectDoor(sessions), {
      open: async (count) => Array.from({ length: count }, spaced),
      close: () => runtime.dispose()
    }),
    { manner: "accepted", callers: 256, sessions: working, calls } satisfies Load.Load
  )
}

const opener = (directory: string, stored: number): Runner.Runner => ({
  round: async () => {
    const once = async (): Promise<void> => {
      const runtime = ManagedRuntime.make(engineOver(Stored.sqliteJournal(directory)))
      const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
      await runtime.runPromise(sessions.get(Caller.host, { checkoutSessionId: Stored.idOf(stored - 1) }))
      await runtime.dispose()
    }
    const times = 5
    const time = await Runner.timed(async () => {
      for (let opened = 0; opened < times; opened++) await once()
    })
    return { operations: times, accepted: times, refused: 0, ...time }
  },
  finish: async () => ({ counted: 0, judged: 0, fault: null })
})
