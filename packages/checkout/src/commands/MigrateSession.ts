/**
 * MigrateSession: migrates a session that an earlier version of the flow wrote. The engine calls it each time a session
 * is read from the store, and commits the event before any other turn. Pure. Source: CONTRACT §1.
 *
 *   state or goal renamed          the session, its claim and its work keys get the new names
 *   goal or own state of a claim   gone: the claim ends in `Error`, cause `STATE_RETIRED`; a late success is kept
 *   state became final             archived as COMPLETED; a running claim may reach its goal first
 *   state gone, no claim           stays: an update answers `StateRetired`, an operator may move it
 *
 * Nothing is written if nothing changes: the version is recorded with the next change. An archived session never
 * changes.
 */
import { type Behavior, EngineError } from "@onelane/engine"
import { type Flow, hasState, isFinal } from "../flow/Flow.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { errorState } from "../session/CheckoutState.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { closedReason, type SessionState } from "../session/SessionState.js"

/** `reason` of the error of a server whose flow is older than the session's. */
export const newerFlow = "FLOW_VERSION"

/** The cause of a claim that ended because its state or target state is gone. */
export const stateRetired = Object.freeze({
  code: "STATE_RETIRED",
  message: "The flow no longer has the state of this task, or the one it leads to."
})

type Migrated = Extract<SessionEvent, { readonly type: "Migrated" }>

/**
 * The event of a migration and the digest of a claim it ends; null if nothing changes. Throws for a session of a later
 * version.
 */
export const decide = (
  flow: Flow,
  state: SessionState,
  turn: { readonly nowMillis: number }
): Behavior.Migration<Migrated> | null => {
  if (state.flowVersion > flow.version) throw new EngineError.NewerState(newerFlow)
  const { session } = state
  if (session === null || session.isArchived) return null
  const now = nameOf(flow, session.state)
  const goal = session.nextState === null ? null : nameOf(flow, session.nextState)
  const renamed = renamedKeys(flow, state)
  const retired = goal === null ? [] : [now, goal].filter((name) => !hasState(flow, name))
  const archives = goal === null && isFinal(flow, now)
  const isSame = now === session.state && goal === session.nextState && renamed.length === 0
  if (isSame && retired.length === 0 && !archives) return null
  // An expired session is archived as expired, whatever its flow says now.
  if (closedReason(state, turn) !== null) return null
  const ends = retired.length > 0
  const event: Migrated = {
    type: "Migrated",
    at: turn.nowMillis,
    from: session.state,
    to: ends ? errorState : now,
    versions: [state.flowVersion, flow.version],
    nextState: ends ? null : goal,
    archives,
    ...(ends ? ended(session) : noClaim),
    renamed,
    retired
  }
  return ends && session.operationId !== null ? { event, digests: [session.operationId] } : { event }
}

const noClaim = { operationId: null, workKey: null, cause: null } as const

const ended = ({ operationId, workKey }: CheckoutSession) => ({ operationId, workKey, cause: stateRetired })

const nameOf = (flow: Flow, state: string): string => flow.migrate.get(state) ?? state

const renamedKeys = (flow: Flow, { workKeys }: SessionState): Migrated["renamed"] =>
  workKeys.flatMap(({ state }) => {
    const name = flow.migrate.get(state)
    return name === undefined ? [] : [[state, name] as const]
  })

/** Whether the flow no longer has the state of this session, so there is no transition out of it. */
export const isRetired = (flow: Flow, { state }: CheckoutSession): boolean => !hasState(flow, state)
