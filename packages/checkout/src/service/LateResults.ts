/**
 * LateResults: keeps a task's success that arrives after its session was archived. An archived session never changes,
 * so the cart's actor keeps it, and the session's history shows it after its last entry.
 *
 * Owns the step from one actor to the other; does not own the rules (CompleteTask, CartBehavior). After a crash between
 * the two, nothing is kept and the report was not acknowledged, so it is sent again.
 */
import { Answer, EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CommandOf, SessionReply } from "../commands/SessionCommand.js"
import type {
  CompleteError,
  OperationError,
  OperationNotCurrent,
  Overloaded,
  StorageUnavailable
} from "../errors/CheckoutError.js"
import type { CartActors } from "../ports/CartBook.js"
import type { CheckoutSession, HistoryEntry } from "../session/CheckoutSession.js"
import type { Sessions } from "../work/Sessions.js"
import type { Tell } from "../work/TaskReports.js"

/** The two kinds of actors. */
export interface Actors {
  readonly sessions: Sessions
  readonly carts: CartActors
}

/** Returns the session's answer to a command that closes an operation, and keeps a late success. */
export const settle = <E extends OperationError | CompleteError>(
  { carts, sessions }: Actors,
  id: string,
  command: CommandOf<"CompleteTask" | "FailTask" | "ReleaseClaim">,
  answered: Effect.Effect<SessionReply, E>
): Effect.Effect<SessionReply, E | OperationError> =>
  EffectRunner.matchNow(
    answered,
    (refused): Effect.Effect<never, E | OperationError> => {
      if (command.tag !== "CompleteTask" || !isLost(refused)) return Exit.fail(refused)
      const { caller, operationId, orderId } = command
      const by = caller === null ? null : caller.userId
      return Effect.flatMap(sessions.read(id), ({ state: { session } }) => {
        if (session === null) return Exit.fail(refused)
        const late = { checkoutSessionId: id, operationId, orderId, by }
        return Effect.zipRight(
          carts.askInternal(session.cartId, { tag: "Keep", late }),
          Effect.fail<OperationNotCurrent>({ ...refused, recorded: true })
        )
      })
    },
    (reply) => (reply.refused === undefined ? Exit.succeed(reply) : Exit.fail(reply.refused))
  )

/** Reports to a session how an operation of this engine ended, and keeps a late success. */
export const tell = (actors: Actors, ...[run, id, command, onExit]: Parameters<Tell>): void => {
  const answered = (exit: Exit.Exit<SessionReply, CompleteError>): void =>
    Exit.isSuccess(exit) && exit.value.refused === undefined
      ? onExit(exit)
      : run(settle(actors, id, command, exit), onExit)
  const answer = actors.sessions.sendInternal(id, command)
  if (Answer.isWaiting(answer)) answer.listen(answered)
  else answered(answer)
}

// A success of a known operation that the archived session cannot record.
const isLost = (refused: CompleteError): refused is OperationNotCurrent =>
  refused._tag === "OperationNotCurrent" &&
  refused.reason !== "OPERATION_UNKNOWN" &&
  !refused.recorded &&
  refused.current.isArchived

/** The late successes of an archived session as history entries, at its last version. */
export const entriesOf = (
  { carts }: Actors,
  { cartId, id, state, version }: CheckoutSession,
  page: ReadonlyArray<HistoryEntry>
): Effect.Effect<ReadonlyArray<HistoryEntry>, StorageUnavailable | Overloaded> =>
  Effect.map(carts.read(cartId), (cart) =>
    cart.state.late
      .filter(({ checkoutSessionId }) => checkoutSessionId === id)
      .map(
        ({ at, by, operationId, orderId }): HistoryEntry => ({
          version,
          type: "LateResult",
          at,
          from: state,
          to: null,
          requestId: null,
          operationId,
          workKey: page.find((entry) => entry.operationId === operationId)?.workKey ?? null,
          orderId,
          by,
          reason: null,
          cause: null,
          cartChanged: false,
          passedThrough: [],
          followUp: null,
          data: null
        })
      )
  )
