/**
 * NodeInspections: asks every node what it has about a session in memory only: refused calls, and the attempts of its
 * task. A node that does not answer in time is listed instead.
 */
import { type Attempts, Caller, type CheckoutEngine } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import type * as Peer from "./Peer.js"

/** What one node answered. `node`: its address in the cluster. */
export interface NodeInspection {
  readonly node: string
  readonly inspection: Attempts.Inspection
}

/** The answers of the nodes, the local one first, and the addresses of the nodes that did not answer. */
export interface NodeInspections {
  readonly found: ReadonlyArray<NodeInspection>
  readonly missing: ReadonlyArray<string>
}

/** Timeout of a node, milliseconds. */
const nodeMillis = 1_000

/** Creates the function that asks one node (`self`) and its peers. */
export const make =
  (
    self: string,
    here: CheckoutEngine.CheckoutEngineShape["inspect"],
    peers: () => ReadonlyMap<string, Peer.Peer>
  ): ((checkoutSessionId: string) => Effect.Effect<NodeInspections>) =>
  (checkoutSessionId) =>
    Effect.map(
      Effect.forEach(
        [...peers()].sort(([left], [right]) => (left < right ? -1 : 1)),
        ([node, peer]) => Effect.map(asked(peer, checkoutSessionId), (inspection) => ({ node, inspection })),
        { concurrency: "unbounded" }
      ),
      (answers) => ({
        found: [
          { node: self, inspection: here(checkoutSessionId) },
          ...answers.filter((answer): answer is NodeInspection => answer.inspection !== null)
        ],
        missing: answers.flatMap(({ inspection, node }) => (inspection === null ? [node] : []))
      })
    )

const asked = (peer: Peer.Peer, checkoutSessionId: string): Effect.Effect<Attempts.Inspection | null> =>
  Effect.async<Attempts.Inspection | null>((resume) => {
    const leave = peer.ask("inspect", Caller.host, { checkoutSessionId }, (outcome) =>
      resume(Effect.succeed(outcome._tag === "Answered" ? (outcome.value as Attempts.Inspection) : null))
    )
    return Effect.sync(leave)
  }).pipe(
    Effect.timeoutOption(nodeMillis),
    Effect.map((answer) => (answer._tag === "Some" ? answer.value : null))
  )
