/**
 * MigrationLog: logs counts of the sessions that were migrated to this flow version, instead of a line for each
 * session.
 */
import * as Effect from "effect/Effect"
import type { Flow } from "../flow/Flow.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { writeBehind } from "./WriteBehind.js"

/** Counts migrations and logs them. */
export interface MigrationLog {
  /**
   * Called for every migration, after it is durable. A migration is the first turn after a load, so its event is the
   * first of its commit.
   */
  readonly onMigrated: (event: Extract<SessionEvent, { readonly type: "Migrated" }>) => void
  /** Writes the lines, until it is interrupted. */
  readonly writing: Effect.Effect<void>
}

/** How long migrations are collected for one line, milliseconds. */
const gatherMillis = 1_000

const none = { sessions: 0, completed: 0, claimsEnded: 0 }

/** Makes the log of an engine with this flow. */
export const make = ({ name, version }: Flow): MigrationLog => {
  const latch = Effect.unsafeMakeLatch(false)
  let counts = none
  const write = Effect.suspend(() => {
    latch.unsafeClose()
    const told = counts
    counts = none
    if (told.sessions === 0) return Effect.void
    const line = Effect.logInfo("sessions of earlier versions of the flow were migrated")
    return Effect.annotateLogs(line, { flow: name, version, ...told })
  })
  return {
    onMigrated: ({ archives, cause }) => {
      const { claimsEnded, completed, sessions } = counts
      counts = {
        sessions: sessions + 1,
        completed: completed + (archives ? 1 : 0),
        claimsEnded: claimsEnded + (cause === null ? 0 : 1)
      }
      latch.unsafeOpen()
    },
    writing: writeBehind(latch, gatherMillis, write)
  }
}
