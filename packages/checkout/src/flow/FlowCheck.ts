/**
 * FlowCheck: a dry run of a flow on the stored sessions, for use before a deployment. It counts live sessions by state,
 * lists stranded ones (no valid next step), and names states that became final or are no longer final. Pure; uses the
 * rule of the migration itself (MigrateSession).
 */
import { EngineError } from "@onelane/engine"
import * as MigrateSession from "../commands/MigrateSession.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { closedReason, decode, type SessionState } from "../session/SessionState.js"
import { type Flow, hasState, isFinal } from "./Flow.js"

/**
 * What a flow does with the sessions of a state: keeps them there, renames the state, completes them because the state
 * became final, archives them as expired, or strands them.
 */
export type Fate = "stays" | "renamed" | "completed" | "expired" | "stranded"

/** The live sessions of one state with one fate. `running`: how many of them have a running task. */
export interface StateCount {
  readonly state: string
  readonly fate: Fate
  /** The state they will be in. */
  readonly to: string
  readonly live: number
  readonly running: number
}

/**
 * Why a session is stranded: the flow has neither its state nor a new name for it (`STATE_GONE`); the state of its
 * running task, or the task's target state, is gone, so the claim would end in `Error` (`CLAIM_RETIRED`); or a later
 * version of the flow wrote it (`NEWER_VERSION`).
 */
export type Why = "STATE_GONE" | "CLAIM_RETIRED" | "NEWER_VERSION"

/** A stranded live session. */
export interface Stranded {
  readonly checkoutSessionId: string
  readonly state: string
  readonly nextState: string | null
  readonly why: Why
}

/** The report. */
export interface FlowReport {
  readonly flow: string
  readonly version: number
  readonly live: number
  readonly archived: number
  /** By state. */
  readonly states: ReadonlyArray<StateCount>
  /** Number of stranded sessions; `stranded` lists the first `strandedListed` of them. */
  readonly strandedCount: number
  readonly stranded: ReadonlyArray<Stranded>
  /** States that became final, with the live sessions that would be completed. */
  readonly becameFinal: ReadonlyArray<{ readonly state: string; readonly live: number }>
  /** States that are no longer final, with the completed sessions, which stay archived. */
  readonly noLongerFinal: ReadonlyArray<{ readonly state: string; readonly archived: number }>
}

/** Most stranded sessions that a report lists. */
export const strandedListed = 1_000

/** Collects stored sessions one by one, and reports. */
export interface FlowCheck {
  /** Adds the stored state of a session. Throws if it is no session state, or of a newer release. */
  readonly add: (stored: unknown) => void
  readonly report: () => FlowReport
}

/** Makes the check of a flow. `nowMillis`: the time by which sessions have expired. */
export const make = (flow: Flow, nowMillis: number): FlowCheck => {
  const counts = new Map<string, StateCount>()
  const stranded: Array<Stranded> = []
  const reopened = new Map<string, number>()
  let strandedCount = 0
  let archived = 0
  const count = ({ isProcessing, state }: CheckoutSession, { fate, to }: Outlook): void => {
    const key = `${state}\n${fate}\n${to}`
    const { live = 0, running = 0 } = counts.get(key) ?? {}
    counts.set(key, { state, fate, to, live: live + 1, running: running + (isProcessing ? 1 : 0) })
  }
  const add = (stored: unknown): void => {
    const state = decode(stored)
    const session = state.session as CheckoutSession
    if (session.isArchived) {
      archived += 1
      if (isReopened(flow, session)) reopened.set(session.state, (reopened.get(session.state) ?? 0) + 1)
      return
    }
    const outlook = outlookOf(flow, state, session, nowMillis)
    count(session, outlook)
    if (outlook.why === null) return
    strandedCount += 1
    const { id: checkoutSessionId, nextState, state: name } = session
    if (stranded.length < strandedListed) stranded.push({ checkoutSessionId, state: name, nextState, why: outlook.why })
  }
  return {
    add,
    report: () => {
      const states = [...counts.values()].sort((a, b) => compare(a.state, b.state) || compare(a.fate, b.fate))
      return {
        flow: flow.name,
        version: flow.version,
        live: states.reduce((sum, { live }) => sum + live, 0),
        archived,
        states,
        strandedCount,
        stranded: [...stranded],
        becameFinal: states.filter(({ fate }) => fate === "completed").map(({ live, state }) => ({ state, live })),
        noLongerFinal: Array.from(reopened, ([state, archived]) => ({ state, archived }))
      }
    }
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

interface Outlook {
  readonly fate: Fate
  readonly to: string
  readonly why: Why | null
}

const isReopened = (flow: Flow, { closedBy, state }: CheckoutSession): boolean =>
  closedBy === "COMPLETED" && flow.states.has(state) && !isFinal(flow, state)

const outlookOf = (flow: Flow, state: SessionState, session: CheckoutSession, nowMillis: number): Outlook => {
  const { state: now } = session
  if (closedReason(state, { nowMillis }) !== null) return { fate: "expired", to: now, why: null }
  const migration = migrationOf(flow, state, nowMillis)
  if (migration === "newer") return { fate: "stranded", to: now, why: "NEWER_VERSION" }
  if (migration === null && MigrateSession.isRetired(flow, session))
    return { fate: "stranded", to: now, why: "STATE_GONE" }
  if (migration === null) return { fate: "stays", to: now, why: null }
  const { archives, cause, to } = migration.event
  if (cause !== null) return { fate: "stranded", to, why: "CLAIM_RETIRED" }
  if (archives) return { fate: "completed", to, why: null }
  if (!hasState(flow, to)) return { fate: "stranded", to, why: "STATE_GONE" }
  return { fate: to === now ? "stays" : "renamed", to, why: null }
}

const migrationOf = (flow: Flow, state: SessionState, nowMillis: number) => {
  try {
    return MigrateSession.decide(flow, state, { nowMillis })
  } catch (refused) {
    if (refused instanceof EngineError.NewerState) return "newer" as const
    throw refused
  }
}
