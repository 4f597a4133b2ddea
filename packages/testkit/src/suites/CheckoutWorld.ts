/**
 * CheckoutWorld: the people, accounts, stores and carts of `CheckoutSuite`. People are few and fixed, so that a remote
 * run can give each a token; accounts, stores and carts are new in every test.
 */
import { Caller, type Carts, type CheckoutError, CheckoutSessions, Flow } from "@onelane/checkout"
import { Directory } from "@onelane/directory"
import { Effect, TestClock } from "effect"

/** The service under test. */
export const Sessions = CheckoutSessions.CheckoutSessions

/** What the suite needs: the service, and the directory that its ports look into. */
export type CheckoutServices = CheckoutSessions.CheckoutSessions | Directory.Directory

/** Registers one test. */
export type CheckoutIt = (title: string, test: Effect.Effect<void, unknown, CheckoutServices>) => void

/** Everybody who calls. Nobody else may be needed by the suite. */
export const callers = {
  /** Sees and may do everything. */
  admin: Caller.make("admin", ["modify-all-data"]),
  /** An integration: sees everything, may not release claims. */
  integrator: Caller.make("integrator", ["commerce-integrator"]),
  /** Owns every cart of the suite and belongs to its account. */
  buyer: Caller.make("buyer", ["buyer-checkout"]),
  /** Belongs to the same account. */
  colleague: Caller.make("colleague", ["buyer-checkout"]),
  /** A colleague whose role stands in the directory only. */
  clerk: Caller.make("clerk", []),
  /** The buyer, saying that they act for an account that is not the cart's. */
  actingForOther: Caller.make("buyer", ["buyer-checkout"], "other"),
  /** Belongs to another account. */
  stranger: Caller.make("stranger", ["buyer-checkout"]),
  /** Belongs to the account, but no role allows anything. */
  nobody: Caller.make("nobody", [])
} as const

/** Lets time pass: the test clock's, or real time. */
export const elapse = (millis: number, live: boolean): Effect.Effect<void> =>
  live ? Effect.sleep(millis) : TestClock.adjust(millis)

/** A new account that is a member of a new store, its people, and a new active cart of the buyer. */
export interface World {
  readonly accountId: string
  readonly storeId: string
  readonly cartId: string
  readonly closeAccount: Effect.Effect<void>
  readonly leaveStore: Effect.Effect<void>
  readonly setCartStatus: (status: Carts.CartStatus) => Effect.Effect<void>
}

/** A world with a session opened for its cart. */
export interface OpenedWorld extends World {
  readonly checkoutSessionId: string
  /** Archives the session. */
  readonly cancel: Effect.Effect<void>
}

let worlds = 0

/** Makes a world. */
export const makeWorld: Effect.Effect<World, unknown, Directory.Directory> = Effect.gen(function* () {
  const directory = yield* Directory.Directory
  const number = ++worlds
  const [accountId, storeId, cartId] = [`account-${number}`, `store-${number}`, `cart-${number}`]
  yield* directory.putStore(storeId)
  yield* directory.putAccount({ id: accountId, active: true })
  yield* directory.putStoreMember(storeId, accountId)
  for (const { userId: id } of [callers.buyer, callers.colleague, callers.clerk, callers.nobody]) {
    yield* directory.putUser({ id, roles: id === callers.clerk.userId ? ["buyer-checkout"] : [] })
    yield* directory.putAccountMember(accountId, id)
  }
  yield* directory.putCart({ id: cartId, storeId, accountId, ownerId: callers.buyer.userId, status: "Active" })
  return {
    accountId,
    storeId,
    cartId,
    closeAccount: Effect.orDie(directory.putAccount({ id: accountId, active: false })),
    leaveStore: Effect.orDie(directory.removeStoreMember(storeId, accountId)),
    setCartStatus: (status) => Effect.orDie(directory.setCartStatus(cartId, status))
  }
})

/** Makes a world and opens a session for its cart. */
export const openedWorld: Effect.Effect<OpenedWorld, unknown, CheckoutServices> = Effect.gen(function* () {
  const sessions = yield* Sessions
  const world = yield* makeWorld
  const { session } = yield* sessions.open(callers.buyer, { cartId: world.cartId })
  const cancel = Effect.orDie(sessions.cancel(callers.admin, { checkoutSessionId: session.id }))
  return { ...world, checkoutSessionId: session.id, cancel: Effect.asVoid(cancel) }
})

/** The default flow, where the host itself works on `Shipping Address`. */
export const claiming = Flow.withTasks(Flow.b2b, { "Shipping Address": {} })

/** The states of the default flow, from its beginning to its end. */
export const path = [
  "Start",
  "Shipping Address",
  "Inventory",
  "Confirm Price",
  "Calculate Promotions",
  "Shipping Cost",
  "Delivery Method",
  "Taxes",
  "Payment And Billing Address",
  "Checkout Summary",
  "Cart To Order",
  "Authorize Payment",
  "Activate Order",
  "Order Confirmation",
  "Complete"
]

/** The updates that walk a session through the flow. */
export const steps = path.slice(1).map((nextState, index) => ({ expCurrentState: path[index]!, nextState }))

/** Moves a session along the flow until it is in `state`. */
export const walkTo = (
  checkoutSessionId: string,
  state: string
): Effect.Effect<
  ReadonlyArray<CheckoutSessions.Updated>,
  CheckoutError.UpdateError,
  CheckoutSessions.CheckoutSessions
> =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const walked: Array<CheckoutSessions.Updated> = []
    for (const step of steps.slice(0, path.indexOf(state))) {
      walked.push(yield* sessions.update(callers.buyer, { checkoutSessionId, ...step }))
    }
    return walked
  })
