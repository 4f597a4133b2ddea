/**
 * FirstTouch: the first call on a sleeping session in an SQLite file, against the bare prepared `SELECT` of its row.
 * The task of P5.
 */
import { join } from "node:path"
import { Caller, CheckoutSessions } from "@onelane/checkout"
import { Effect, ManagedRuntime } from "effect"
import { type Runner, timed } from "./Runner.js"
import * as Stored from "./Stored.js"
import { openSqlite } from "./subjects/Journals.js"
import { engineOver } from "./subjects/Onelane.js"
import { makeDirectory } from "./WorkingFolder.js"

/** What `start` is given. A round touches `calls` sessions, none of them twice. */
export interface Options {
  readonly subject: "SELECT" | "onelane"
  readonly sessions: number
  readonly calls: number
}

type Touch = (from: number, to: number) => Promise<void>

const bySelect = (directory: string): Touch => {
  const database = openSqlite(join(directory, "stored.db"))
  const select = database.prepare("SELECT sequence, state FROM journal_state WHERE kind = ? AND id = ?")
  return async (from, to) => {
    for (let index = from; index < to; index++)
      if (select.get("session", Stored.idOf(index)) === undefined) throw new Error(`no session ${index} in ${database}`)
  }
}

const byEngine = async (directory: string): Promise<Touch> => {
  const runtime = ManagedRuntime.make(engineOver(Stored.sqliteJournal(directory)))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  return (from, to) =>
    runtime.runPromise(
      Effect.gen(function* () {
        for (let index = from; index < to; index++)
          yield* sessions.get(Caller.host, { checkoutSessionId: Stored.idOf(index) })
      })
    )
}

/** Writes the sessions, closes the file, and opens it as the subject does. */
export const start = async ({ subject, sessions, calls }: Options): Promise<Runner> => {
  const directory = makeDirectory()
  await Effect.runPromise(Effect.provide(Stored.write(0, sessions), Stored.sqliteJournal(directory)))
  const touch = subject === "SELECT" ? bySelect(directory) : await byEngine(directory)
  let touched = 0
  const round = async () => {
    const from = touched
    touched += calls
    if (touched > sessions) throw new Error("every session was touched already")
    const time = await timed(() => touch(from, touched))
    return { operations: calls, accepted: calls, refused: 0, ...time }
  }
  return { round, finish: async () => ({ counted: 0, judged: 0, fault: null }) }
}
