/**
 * Register: the record that every peer keeps for a session: the smallest one that can decide an update. Ours keeps the
 * whole checkout session and makes every check of the contract.
 */
import { firstState } from "../Load.js"
import type { Seen } from "../Log.js"

/** The record. */
export interface Register {
  readonly state: string
  readonly version: number
}

/** The answer of a peer: whether the update was accepted, and the current record. */
export interface RegisterAnswer extends Register {
  readonly ok: boolean
}

/** A new session. */
export const initial: Register = { state: firstState, version: 1 }

/** The decision, pure: the record after it and the answer. */
export const decide = (register: Register, expected: string, next: string): RegisterAnswer =>
  register.state === expected
    ? { ok: true, state: next, version: register.version + 1 }
    : { ok: false, state: register.state, version: register.version }

/** Reads an answer. */
export const see = (answer: RegisterAnswer, seen: Seen): void => {
  seen.outcome = answer.ok ? "ok" : "fail"
  seen.version = answer.version
  seen.state = answer.state
}

/** Ids of so many sessions. */
export const idsOf = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, index) => `s${index}`)
