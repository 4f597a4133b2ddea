/**
 * PeerCalls: the messages between nodes. Owns their types; Wire sends them, Peer asks, PeerServer answers.
 */
import type { CheckoutSessions } from "@onelane/checkout"

/**
 * The methods that a node may call on another. A `get` waits: its input is an `Arrival`. `inspect` asks for what the
 * node has about a session in memory: its input is a `SessionInput`, its answer an `Attempts.Inspection`.
 */
export const methods = [
  "update",
  "cancel",
  "completeTask",
  "failTask",
  "releaseClaim",
  "move",
  "get",
  "inspect"
] as const

/** One of them. */
export type Method = (typeof methods)[number]

/** The input of a `get` that waits. */
export interface Arrival extends CheckoutSessions.SessionInput {
  readonly wait: CheckoutSessions.WaitAfter
}

/** A call: its number on this connection, method and arguments. A number alone cancels the call. */
export type Call = readonly [call: number, method: Method, caller: unknown, input: unknown] | readonly [call: number]

/** An answer: the number of its call and the outcome. */
export type Answer =
  | readonly [call: number, outcome: "ok" | "refused", value: unknown]
  | readonly [call: number, outcome: "lost"]

/** Messages of the calling node. The first message of a connection is a hello. */
export type Asked = Call | readonly ["hello", secret: string] | readonly ["alive?"]

/** Messages of the answering node. The first message of a connection is a welcome, the last one a farewell. */
export type Answered = Answer | readonly ["welcome" | "farewell" | "alive"]
