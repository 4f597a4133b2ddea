/**
 * CheckoutService: implements the methods of `CheckoutSessions` with the actors. Steps 1-4 of CONTRACT §3 happen here,
 * before any session is read; all other steps happen inside a turn.
 */
import { AsyncContext, EffectRunner, Answer as EngineAnswer, type Timer } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CancelCheckout from "../commands/CancelCheckout.js"
import * as CompleteTask from "../commands/CompleteTask.js"
import * as FailTask from "../commands/FailTask.js"
import * as MoveSession from "../commands/MoveSession.js"
import * as OpenCheckoutSession from "../commands/OpenCheckoutSession.js"
import * as ReadCheckoutSession from "../commands/ReadCheckoutSession.js"
import * as ReleaseClaim from "../commands/ReleaseClaim.js"
import type { CommandOf, ErrorOf, SessionCommand, SessionReply } from "../commands/SessionCommand.js"
import type {
  AccessError,
  CheckoutError,
  CompleteError,
  HistoryError,
  InvalidInput,
  OpenError
} from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import type { Flow } from "../flow/Flow.js"
import type { Action } from "../ports/Access.js"
import type { Caller } from "../ports/Caller.js"
import type { CartActors } from "../ports/CartBook.js"
import { authorise, bounded, type Ports, readFacts } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import * as IdempotencyKey from "../session/IdempotencyKey.js"
import type { IdsShape } from "../session/Ids.js"
import type * as MergePatch from "../session/MergePatch.js"
import type { SessionEvent } from "../session/SessionEvent.js"
import { historyEntry } from "../session/SessionHistory.js"
import type { Sessions } from "../work/Sessions.js"
import * as Arrival from "./Arrival.js"
import * as Cancelling from "./Cancelling.js"
import type * as S from "./CheckoutSessions.js"
import * as Finding from "./Finding.js"
import * as LateResults from "./LateResults.js"
import * as Opening from "./Opening.js"
import * as SessionPages from "./SessionPages.js"
import * as Updating from "./Updating.js"
import type * as Vigil from "./Vigil.js"

/** The parts the methods work with. */
export interface Parts {
  readonly flow: Flow
  readonly ports: Ports
  readonly sessions: Sessions
  readonly carts: CartActors
  readonly ids: IdsShape
  readonly expiresInMillis: number | null
  readonly asyncContext: Updating.Updates["asyncContext"]
  readonly timer: Timer.Start
  /** The store's clock, epoch milliseconds. */
  readonly nowMillis: () => number
  readonly defer: Arrival.Place["defer"]
  /** Checks the rights of watchers. */
  readonly vigil: Watching
}

/** Watches the right to read a session. */
export type Watching = Vigil.Vigil<AccessError, AccessError>

/** Makes the service. */
export const make = (parts: Parts): Omit<S.SessionCalls, "sessions" | "claims"> => ({
  get: (caller, input, wait) =>
    wait === undefined ? Effect.suspend(() => get(parts, caller, input)) : arrival(parts, caller, input, wait),
  find: (caller, input) =>
    gate(
      parts,
      caller,
      "read",
      () => ReadCheckoutSession.checkFind(input),
      () => Finding.find(parts, caller, input)
    ),
  cancel: (caller, input) =>
    gate(
      parts,
      caller,
      "cancel",
      () => CancelCheckout.check(input),
      () => Cancelling.cancel(parts, caller, input)
    ),
  history: (caller, input) =>
    gate(
      parts,
      caller,
      "read",
      () => ReadCheckoutSession.checkHistory(input),
      () => Effect.flatMap(readFrom(parts, caller, input), (session) => history(parts, input, session))
    ),
  follow: (caller, input) => {
    const check = () => ReadCheckoutSession.checkChanges(input)
    return Effect.suspend(() => {
      // The feed detects a removal after this point.
      const feed = parts.sessions.follow(input.checkoutSessionId)
      const look = gate(parts, caller, "read", check, () => readFrom(parts, caller, input))
      return EffectRunner.mapNow(look, (session) => {
        const from = input.afterVersion ?? session.version
        return SessionPages.make(feed, session, from, guard(parts, caller, session))
      })
    })
  },
  ...operations(parts),
  ...Arrival.apart(starting(parts), (caller, input, wait) => arrival(parts, caller, input, wait!))
})

// The calls that start work. A `wait` that reaches them is malformed and is refused.
const starting = (parts: Parts): Pick<S.SessionCalls, "open" | "update" | "completeTask"> => ({
  open: (caller, input, wait) => Effect.suspend(() => open(parts, caller, input, wait)),
  update: (caller, input, wait) =>
    wait === undefined
      ? Updating.update(parts, caller, input)
      : gate(
          parts,
          caller,
          "update",
          () => oddWait(wait),
          () => Updating.update(parts, caller, input)
        ),
  completeTask: (caller, input, wait) => Effect.suspend(() => completeTask(parts, caller, input, wait))
})

/** Reports the result of work on this stack, as `open` does. */
export const completeTask = (
  parts: Parts,
  caller: Caller,
  input: S.CompleteTaskInput,
  wait?: S.Wait
): Effect.Effect<S.Changed, CompleteError> =>
  gateNow(
    parts,
    caller,
    "complete-task",
    () => oddWait(wait) ?? CompleteTask.check(parts.flow, input),
    () => {
      const { expectedVersion = null, next = null, operationId, orderId = null } = input
      const data = (input.data as MergePatch.Taken | null | undefined) ?? undefined
      const use = useOf("complete-task", caller, input)
      const result = { operationId, orderId, next, data }
      return close(parts, input, { tag: "CompleteTask", caller, expectedVersion, use, ...result })
    }
  )

/**
 * Opens a session on this stack: an `Exit` if nothing has to be awaited. Run a returned effect at once, and only once.
 */
export const open = (
  parts: Parts,
  caller: Caller,
  input: S.OpenInput,
  wait?: S.Wait
): Effect.Effect<S.Opened, OpenError> =>
  gateNow(
    parts,
    caller,
    OpenCheckoutSession.actionOf(input),
    () => oddWait(wait) ?? OpenCheckoutSession.check(parts.flow, input),
    () => Opening.open(parts, caller, input)
  )

const oddWait = (wait: S.Wait | undefined): InvalidInput | null => (wait === undefined ? null : Arrival.check(wait))

/** Reads a session on this stack, as `open` does. */
export const get = (
  parts: Parts,
  caller: Caller,
  input: S.SessionInput,
  isInternal = false
): Effect.Effect<CheckoutSession, AccessError> =>
  gateNow(
    parts,
    caller,
    "read",
    () => ReadCheckoutSession.check(input),
    () => read(parts, caller, input, isInternal)
  )

const malformedWait = (input: S.SessionInput, wait: S.WaitAfter) =>
  Arrival.checkAfter(wait) ?? ReadCheckoutSession.check(input)

/**
 * What a waiting `get` needs. Only its first read may be refused as `Overloaded`; after an accepted call, no read is.
 */
export const placeOf = (
  parts: Parts,
  caller: Caller,
  input: S.SessionInput,
  wait: S.WaitAfter
): Omit<Arrival.Place, "run"> => {
  const { asyncContext, defer, sessions, timer } = parts
  let isInternal = wait.afterVersion !== undefined
  const read = () => {
    const looking = get(parts, caller, input, isInternal)
    isInternal = true
    return looking
  }
  return { sessions, timer, defer, read, context: asyncContext?.() }
}

const arrival = (
  parts: Parts,
  caller: Caller,
  input: S.SessionInput,
  wait: S.WaitAfter
): Effect.Effect<CheckoutSession, AccessError> =>
  Effect.suspend(() => {
    const malformed = malformedWait(input, wait)
    return malformed === null
      ? Arrival.get(placeOf(parts, caller, input, wait), input, wait)
      : gateNow(
          parts,
          caller,
          "read",
          () => malformed,
          () => Effect.never
        )
  })

// Shared by all streams of one caller and one cart.
const guard = ({ asyncContext, ports, vigil }: Parts, caller: Caller, session: CheckoutSession): SessionPages.Guard => {
  const { actingAccountId, roles, userId } = caller
  const { accountId, cartId, ownerId, storeId } = session
  const last = { cartId, storeId, accountId, ownerId }
  const run = asyncContext?.()
  const mayRead = (allowed: boolean) =>
    allowed
      ? EffectRunner.mapNow(readFacts(ports, caller, "read", last), (facts) => authorise(last, facts.rights))
      : Exit.succeed(Refusal.actionNotPermitted)
  const look = () => EffectRunner.flatMapNow(bounded(ports, "access", ports.access.mayInvoke(caller, "read")), mayRead)
  const looking = () => (run === undefined ? look() : AsyncContext.within(run, Effect.suspend(look)))
  const key = JSON.stringify([userId, roles, actingAccountId, cartId])
  return (onLost) => vigil.watch(key, looking, onLost)
}

// The calls that close a claim, and the operator's calls.
const operations = (parts: Parts): Pick<S.SessionCalls, "failTask" | "releaseClaim" | "move"> => ({
  failTask: (caller, input) =>
    gate(
      parts,
      caller,
      "complete-task",
      () => FailTask.check(input),
      () => {
        const cause = { code: input.code, message: input.message ?? "" }
        const { applied = "unknown", expectedVersion = null, operationId } = input
        const use = useOf("fail-task", caller, input)
        return close(parts, input, { tag: "FailTask", caller, operationId, expectedVersion, cause, applied, use })
      }
    ),
  releaseClaim: (caller, input) =>
    gate(
      parts,
      caller,
      "release-claim",
      () => ReleaseClaim.check(input),
      () => {
        const { expectedVersion = null, operationId, reason } = input
        const use = useOf("release-claim", caller, input)
        return close(parts, input, { tag: "ReleaseClaim", caller, operationId, expectedVersion, reason, use })
      }
    ),
  move: (caller, input) =>
    gate(
      parts,
      caller,
      "move",
      () => MoveSession.check(parts.flow, input),
      () => {
        const { expectedVersion = null, reason, state } = input
        const use = useOf("move", caller, input)
        const requestId = parts.ids.next("req")
        const command: CommandOf<"Move"> = { tag: "Move", caller, requestId, state, reason, expectedVersion, use }
        return Effect.map(toSession(parts, input, command), ({ replayed, session }) => ({ replayed, session }))
      }
    )
})

// Steps 1-4, which need no session.
const gateNow = <A, E, Malformed extends CheckoutError>(
  parts: Parts,
  caller: Caller,
  action: Action,
  check: () => Malformed | null,
  proceed: () => Effect.Effect<A, E>
): Effect.Effect<A, E | Malformed | AccessError> =>
  EffectRunner.flatMapNow(
    bounded(parts.ports, "access", parts.ports.access.mayInvoke(caller, action)),
    (allowed): Effect.Effect<A, E | Malformed | AccessError> => {
      if (!allowed) return Exit.fail(Refusal.actionNotPermitted)
      const malformed = check()
      return malformed === null ? proceed() : Exit.fail(malformed)
    }
  )

const gate: typeof gateNow = (...steps) => Effect.suspend(() => gateNow(...steps))

const toSession = <C extends SessionCommand>(
  parts: Parts,
  input: { readonly checkoutSessionId: string },
  command: C
): Effect.Effect<SessionReply, ErrorOf<C["tag"]>> =>
  EngineAnswer.toEffect(parts.sessions.send(input.checkoutSessionId, command))

const useOf = (action: IdempotencyKey.KeyedAction, caller: Caller, input: { readonly idempotencyKey?: unknown }) =>
  IdempotencyKey.useOf(action, caller.userId, input.idempotencyKey, IdempotencyKey.inputOf(input))

const close = <C extends CommandOf<"CompleteTask" | "FailTask" | "ReleaseClaim">>(
  parts: Parts,
  input: { readonly checkoutSessionId: string },
  command: C
): Effect.Effect<S.Changed, ErrorOf<C["tag"]>> =>
  EffectRunner.mapNow(
    LateResults.settle(parts, input.checkoutSessionId, command, toSession(parts, input, command)),
    ({ replayed, session }) => ({ replayed, session })
  )

const read = (
  parts: Parts,
  caller: Caller,
  input: { readonly checkoutSessionId: string },
  isInternal = false
): Effect.Effect<CheckoutSession, AccessError> => {
  const command: CommandOf<"Read"> = { tag: "Read", caller }
  return isInternal
    ? EffectRunner.mapNow(
        EngineAnswer.toEffect(parts.sessions.sendInternal(input.checkoutSessionId, command)),
        ({ session }) => session
      )
    : EffectRunner.mapNow(toSession(parts, input, command), ({ session }) => session)
}

// A version beyond the head is refused: after a restore it might never be reached.
const readFrom = (parts: Parts, caller: Caller, input: S.ChangesInput): Effect.Effect<CheckoutSession, HistoryError> =>
  Effect.flatMap(read(parts, caller, input), (session) =>
    (input.afterVersion ?? 0) > session.version ? Exit.fail(Refusal.versionAhead(session)) : Exit.succeed(session)
  )

// Late results of an archived session follow its last entry, in the same page.
const history = (parts: Parts, { afterVersion, checkoutSessionId, limit }: S.HistoryInput, session: CheckoutSession) =>
  Effect.gen(function* () {
    const after = afterVersion ?? 0
    const events = yield* parts.sessions.events(checkoutSessionId, after, limit ?? ReadCheckoutSession.historyEntries)
    const entries = events.map(({ sequence, event }) => historyEntry(sequence, event as SessionEvent))
    const isEnd = session.isArchived && entries.at(-1)?.version === session.version
    return isEnd ? [...entries, ...(yield* LateResults.entriesOf(parts, session, entries))] : entries
  })
