/**
 * PeerCalls: what one node says to another, as an `@effect/rpc` group: signs of life, calls, and one stream of answers
 * for as long as both are connected. Calls and answers that gather while a message is under way leave in one message.
 *
 * Owns the shape of the messages; does not own who sends them (Peer) and who answers (PeerServer).
 */
import * as Rpc from "@effect/rpc/Rpc"
import * as RpcGroup from "@effect/rpc/RpcGroup"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

/** The methods a node may ask of another. */
export const methods = ["update", "cancel", "completeTask", "failTask", "releaseClaim"] as const

/** One of them. */
export type Method = (typeof methods)[number]

/** A call: its number on this connection, and what is asked; a number alone: nobody waits for it any more. */
export type Call = readonly [call: number, method: Method, caller: unknown, input: unknown] | readonly [call: number]

/** An answer: the number of its call and what came of it. The first one of a connection is a welcome, the last one a farewell. */
export type Answer =
  | readonly [call: number, outcome: "ok" | "refused", value: unknown]
  | readonly [call: number, outcome: "lost"]
  | readonly ["welcome" | "farewell"]

/** The messages. Calls and answers travel as JSON texts, so that one that is no JSON fails alone. */
export const group = RpcGroup.make(
  Rpc.make("Ping"),
  Rpc.make("Answers", { payload: { secret: Schema.String }, success: Schema.String, stream: true }),
  Rpc.make("Ask", { payload: { calls: Schema.Array(Schema.String) } })
)

/** How messages are written: the library's default between runners. The longest one that is borne has so many bytes. */
export const serialization = (maxBufferSize: number | "unbounded"): Layer.Layer<RpcSerialization.RpcSerialization> =>
  RpcSerialization.layerMsgPackWith({ maxBufferSize })

/** Cuts calls into messages no longer than `capacity` characters, in order. */
export const parcels = (calls: ReadonlyArray<string>, capacity: number): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<Array<string>> = [[]]
  let length = 0
  for (const call of calls) {
    if (length + call.length > capacity && length > 0) {
      found.push([])
      length = 0
    }
    found[found.length - 1]!.push(call)
    length += call.length
  }
  return found
}
