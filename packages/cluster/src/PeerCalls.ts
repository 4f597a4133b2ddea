/**
 * PeerCalls: what one node says to another. Owns the words; does not own how they travel (Wire), who asks (Peer) and who
 * answers (PeerServer).
 */

/** The methods a node may ask of another. */
export const methods = ["update", "cancel", "completeTask", "failTask", "releaseClaim"] as const

/** One of them. */
export type Method = (typeof methods)[number]

/** A call: its number on this connection, and what is asked; a number alone: nobody waits for it any more. */
export type Call = readonly [call: number, method: Method, caller: unknown, input: unknown] | readonly [call: number]

/** An answer: the number of its call and what came of it. */
export type Answer =
  | readonly [call: number, outcome: "ok" | "refused", value: unknown]
  | readonly [call: number, outcome: "lost"]

/** What the node that asks says. The first word of a connection is a hello. */
export type Asked = Call | readonly ["hello", secret: string] | readonly ["alive?"]

/** What the node that answers says. The first word of a connection is a welcome, the last one a farewell. */
export type Answered = Answer | readonly ["welcome" | "farewell" | "alive"]
