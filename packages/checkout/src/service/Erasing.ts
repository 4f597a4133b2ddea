/**
 * Erasing: removes everything about a buyer: of a cart, or of all carts of an owner. It removes sessions first, then
 * the state of their carts, then the directory's entries; then the file is rewritten. Each step is fenced by the
 * sequence that was read (A4) and can be repeated, so an interrupted erasure is simply requested again.
 *
 * The carts of an owner: those that the port or the cart book assigns to the owner now. If a cart is no longer known,
 * the owner recorded in its sessions counts.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Input from "../commands/Input.js"
import type { CheckoutError } from "../errors/CheckoutError.js"
import * as Refusal from "../errors/Refusal.js"
import * as Caller from "../ports/Caller.js"
import { bounded, type Ports } from "../ports/Guard.js"
import type { CheckoutSession } from "../session/CheckoutSession.js"
import { type IdsShape, opaqueIdMaxLength } from "../session/Ids.js"
import type { SessionState } from "../session/SessionState.js"
import * as Pruning from "./Pruning.js"
import type { Erased, EraseError, EraseInput, RetentionShape } from "./Retention.js"

/** What an erasure works with. */
export interface Parts extends Pruning.Actors {
  readonly ports: Ports
  readonly ids: IdsShape
  readonly compact: Effect.Effect<void, CheckoutError>
}

/** Retries of an erasure because of concurrent changes. */
const rounds = 8

/** Addresses removed in one commit. */
const removedAtOnce = 1_000

/** Sessions that a refusal names. */
const namedSessions = 5

const fields = {
  cartId: Input.optionalTextUpTo(opaqueIdMaxLength),
  ownerId: Input.optionalTextUpTo(opaqueIdMaxLength),
  force: Input.optionalFlag,
  compact: Input.optionalFlag
}

/** Erases a buyer's data. */
export const erase =
  (parts: Parts): RetentionShape["erase"] =>
  (input) => {
    const invalid = check(input)
    return invalid === null ? (eraseAll(parts, input) as Effect.Effect<Erased, EraseError>) : Exit.fail(invalid)
  }

const check = (input: EraseInput) => {
  const invalid = Input.accept(input, fields)
  if (invalid !== null) return invalid
  return ((input.cartId ?? null) === null) === ((input.ownerId ?? null) === null)
    ? Refusal.invalidInput(["cartId", "ownerId"], "Name the cart or the owner, one of the two.")
    : null
}

interface Stored {
  readonly id: string
  readonly sequence: number
}

/** What to remove, as it was read. */
interface Found {
  readonly cartIds: ReadonlySet<string>
  readonly sessions: ReadonlyArray<Stored & { readonly session: CheckoutSession }>
}

const eraseAll = (parts: Parts, { cartId, compact = true, force = false, ownerId }: EraseInput) =>
  Effect.gen(function* () {
    const erasureId = parts.ids.next("req")
    const erased = { sessions: 0, carts: 0 }
    for (let round = 0; ; round++) {
      if (round === rounds) return yield* Effect.fail(changing)
      const found: Found = yield* find(parts, cartId ?? null, ownerId ?? null)
      if (!(yield* isOver(parts, found, force, erasureId))) continue
      const carts = yield* Effect.forEach(found.cartIds, (id) =>
        Effect.map(parts.carts.read(id), ({ sequence, state }) => ({ id, sequence, sessionId: state.sessionId }))
      )
      if (!(yield* mayForget(parts, found, carts, force))) continue
      erased.sessions += yield* removeAll(parts.sessions, found.sessions)
      yield* forgetElsewhere(parts, found)
      const written = carts.filter(({ sequence }) => sequence > 0)
      const gone = yield* removeAll(parts.carts, written)
      erased.carts += gone
      if (gone === written.length) {
        const entries = yield* eraseKept(parts, [...found.cartIds], ownerId ?? null)
        if (compact) yield* parts.compact
        const done: Erased = { erasureId, ...erased, entries }
        yield* Effect.logInfo("A buyer was erased").pipe(Effect.annotateLogs({ ...done }))
        return done
      }
    }
  })

const changing = Refusal.fromEngine({
  _tag: "MailboxFull",
  address: { kind: "cart", id: "" },
  scope: "address",
  applied: "no"
})

const find = (parts: Parts, cartId: string | null, ownerId: string | null): Effect.Effect<Found, CheckoutError> =>
  Effect.gen(function* () {
    const cartIds = cartId === null ? yield* cartsOf(parts, ownerId!) : new Set([cartId])
    const sessions = yield* all(
      parts.sessions,
      ({ session }) => session !== null && (cartIds.has(session.cartId) || session.ownerId === ownerId)
    )
    return { cartIds, sessions: sessions.map(({ id, sequence, state }) => ({ id, sequence, session: state.session! })) }
  })

const cartsOf = (parts: Parts, ownerId: string): Effect.Effect<ReadonlySet<string>, CheckoutError> =>
  Effect.gen(function* () {
    const { kept } = parts.ports.carts
    const cartIds = new Set(kept === undefined ? [] : yield* bounded(parts.ports, "carts", kept.cartsOf(ownerId)))
    for (const { id } of yield* all(parts.carts, ({ assigned }) => assigned?.ownerId === ownerId)) cartIds.add(id)
    const named = yield* all(parts.sessions, ({ session }) => session !== null && session.ownerId === ownerId)
    for (const id of new Set(named.map(({ state }: { readonly state: SessionState }) => state.session!.cartId))) {
      const cart = yield* bounded(parts.ports, "carts", parts.ports.carts.find(id))
      if (cart === null || cart.ownerId === ownerId) cartIds.add(id)
    }
    return cartIds
  })

/** Scans all parts of the stored addresses. */
const all = <State>(
  actors: {
    readonly select: (
      after: string,
      wanted: (id: string, state: State) => boolean
    ) => Effect.Effect<
      { readonly found: ReadonlyArray<Stored & { readonly state: State }>; readonly next: string | null },
      CheckoutError
    >
  },
  isWanted: (state: State) => boolean
) =>
  Effect.gen(function* () {
    const found: Array<Stored & { readonly state: State }> = []
    let after: string | null = ""
    while (after !== null) {
      const part: Effect.Effect.Success<ReturnType<typeof actors.select>> = yield* actors.select(after, (_, state) =>
        isWanted(state)
      )
      found.push(...part.found)
      after = part.next
      yield* Effect.yieldNow()
    }
    return found
  })

// True if every session was archived already. Expires sessions past their expiry, and cancels live ones only with
// `force`; then returns false, and everything is read again.
const isOver = (parts: Parts, { sessions }: Found, force: boolean, requestId: string) =>
  Effect.gen(function* () {
    const live: Array<string> = []
    let hasChanged = false
    for (const { id, session } of sessions) {
      if (session.isArchived) continue
      const { session: now } = yield* parts.sessions.askInternal(id, { tag: "Expire" })
      if (now.isArchived) hasChanged = true
      else live.push(id)
    }
    if (live.length === 0) return !hasChanged
    if (!force) return yield* Effect.fail(stillLive(live))
    const cancel = { tag: "Cancel", caller: Caller.host, requestId, cartId: null, expectedVersion: null } as const
    for (const id of live)
      yield* Effect.catchTag(parts.sessions.askInternal(id, cancel), "SessionClosed", () => Effect.void)
    return false
  })

const stillLive = (ids: ReadonlyArray<string>) => {
  const more = ids.length > namedSessions ? ` and ${ids.length - namedSessions} more` : ""
  const named = ids.slice(0, namedSessions).join(", ")
  return Refusal.invalidInput(["force"], `Live sessions: ${named}${more}. Cancel them first, or say force: true.`)
}

// A cart may name a session that is being opened. Then the erasure starts again, and finds it.
const mayForget = (
  parts: Parts,
  { sessions }: Found,
  carts: ReadonlyArray<Stored & { readonly sessionId: string | null }>,
  force: boolean
) =>
  Effect.gen(function* () {
    const known = new Set(sessions.map(({ id }) => id))
    for (const { id, sessionId } of carts) {
      if (sessionId === null || known.has(sessionId)) continue
      const { session } = (yield* parts.sessions.read(sessionId)).state
      if (session !== null && session.cartId === id) return false
      if (session === null && !force) return yield* Effect.fail(stillLive([sessionId]))
    }
    return true
  })

const removeAll = (
  actors: {
    readonly remove: (removals: ReadonlyArray<Stored>) => Effect.Effect<ReadonlyArray<boolean>, CheckoutError>
  },
  stored: ReadonlyArray<Stored>
) =>
  Effect.gen(function* () {
    let removed = 0
    for (let from = 0; from < stored.length; from += removedAtOnce) {
      const gone = yield* actors.remove(stored.slice(from, from + removedAtOnce))
      removed += gone.filter((isGone) => isGone).length
    }
    return removed
  })

// The cart of such a session has another owner now, so it only forgets the session.
const forgetElsewhere = (parts: Parts, { cartIds, sessions }: Found) =>
  Effect.forEach(
    sessions.filter(({ session }) => !cartIds.has(session.cartId)),
    ({ id, session }) =>
      parts.carts.askInternal(session.cartId, { tag: "Prune", sessionId: id, completed: Pruning.completedBy(session) }),
    { discard: true }
  )

const eraseKept = ({ ports }: Parts, cartIds: ReadonlyArray<string>, userId: string | null) =>
  ports.carts.kept === undefined ? Effect.succeed(0) : bounded(ports, "carts", ports.carts.kept.erase(cartIds, userId))
