/**
 * CheckoutSuiteRefusals: every refusal, what it carries, and the order of the checks, as
 * `CheckoutSuite` runs them. Source: CONTRACT §3; the action page, its six error conditions and five requirements.
 */
import { assert } from "@effect/vitest"
import type { Caller, Carts, CheckoutError, CheckoutSessions } from "@onelane/checkout"
import { CheckoutSession } from "@onelane/checkout"
import { Effect } from "effect"
import {
  type CheckoutIt,
  type CheckoutServices,
  callers,
  type OpenedWorld,
  openedWorld,
  Sessions,
  steps
} from "./CheckoutWorld.js"

/** One update under test; each broken rule changes the world, the caller or the input. */
interface Attempt {
  readonly world: OpenedWorld & { readonly claim: Effect.Effect<void> }
  caller: Caller.Caller
  input: { -readonly [K in keyof CheckoutSessions.UpdateInput]: CheckoutSessions.UpdateInput[K] }
}

/** A rule of the table, how to break it, and the answer. From step 9 on an answer shows the current session. */
interface Rule {
  readonly step: number
  readonly tag: CheckoutError.UpdateError["_tag"]
  readonly reason: string
  readonly retryable?: true
  readonly break: (attempt: Attempt) => Effect.Effect<void>
}

const changeInput = (change: Partial<Record<keyof CheckoutSessions.UpdateInput, unknown>>) => (attempt: Attempt) =>
  Effect.sync(() => {
    attempt.input = { ...attempt.input, ...change } as Attempt["input"]
  })

const changeCaller = (caller: Caller.Caller) => (attempt: Attempt) =>
  Effect.sync(() => {
    attempt.caller = caller
  })

/** Later rules are broken first, so that an earlier one may take its input field over. */
const rules: ReadonlyArray<Rule> = [
  { step: 1, tag: "ActionNotPermitted", reason: "ACTION_NOT_PERMITTED", break: changeCaller(callers.nobody) },
  {
    step: 2,
    tag: "InvalidInput",
    reason: "REQUIRED_FIELD_MISSING",
    break: changeInput({ expCurrentState: undefined })
  },
  {
    step: 3,
    tag: "InvalidCheckoutSessionId",
    reason: "INVALID_CHECKOUT_SESSION_ID",
    break: changeInput({ checkoutSessionId: "not an id!" })
  },
  { step: 4, tag: "InvalidState", reason: "INVALID_STATE", break: changeInput({ nextState: "Nowhere" }) },
  { step: 5, tag: "SessionInaccessible", reason: "SESSION_INACCESSIBLE", break: changeCaller(callers.stranger) },
  {
    step: 6,
    tag: "AccountInaccessible",
    reason: "ACCOUNT_INVALID_OR_INACCESSIBLE",
    break: ({ world }) => world.closeAccount
  },
  { step: 7, tag: "NotStoreMember", reason: "NOT_A_STORE_MEMBER", break: ({ world }) => world.leaveStore },
  {
    step: 8,
    tag: "IdempotencyConflict",
    reason: "IDEMPOTENCY_KEY_REUSED",
    break: changeInput({ idempotencyKey: "used" })
  },
  { step: 9, tag: "SessionClosed", reason: "CANCELLED", break: ({ world }) => world.cancel },
  {
    step: 10,
    tag: "CartNotUpdatable",
    reason: "CART_NOT_UPDATABLE",
    break: ({ world }) => world.setCartStatus("Closed")
  },
  {
    step: 11,
    tag: "ExpectedStateMismatch",
    reason: "STATE_MISMATCH",
    break: changeInput({ expCurrentState: "Taxes" })
  },
  {
    step: 12,
    tag: "SessionProcessing",
    reason: "ALREADY_IN_PROCESS",
    retryable: true,
    break: ({ world }) => world.claim
  },
  {
    step: 13,
    tag: "TransitionNotAllowed",
    reason: "TRANSITION_NOT_ALLOWED",
    break: changeInput({ nextState: "Complete" })
  }
]

const rule = (step: number): Rule => rules.find((candidate) => candidate.step === step)!

/**
 * A session in `Shipping Address` that was moved there under the key "used", and an update that breaks nothing: it
 * claims the session, for the work of this state is the host's.
 */
const attempt: Effect.Effect<Attempt, unknown, CheckoutServices> = Effect.gen(function* () {
  const sessions = yield* Sessions
  const world = yield* openedWorld
  const input = { checkoutSessionId: world.checkoutSessionId, ...steps[1]! }
  yield* sessions.update(callers.buyer, { ...input, ...steps[0]!, idempotencyKey: "used" })
  const claim = Effect.asVoid(Effect.orDie(sessions.update(callers.admin, input)))
  return { world: { ...world, claim }, caller: callers.buyer, input }
})

const send = ({ caller, input }: Attempt) => Effect.flatMap(Sessions, (sessions) => sessions.update(caller, input))

/** Breaks rules, the last one first, and gives the answer; it must be a refusal that changed nothing. */
const refusedFor = (broken: ReadonlyArray<Rule>) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const tried = yield* attempt
    const { checkoutSessionId } = tried.world
    for (const { break: breakRule } of [...broken].reverse()) yield* breakRule(tried)
    const before = yield* sessions.history(callers.admin, { checkoutSessionId }).pipe(Effect.either)
    const error = yield* Effect.flip(send(tried))
    assert.deepStrictEqual(yield* sessions.history(callers.admin, { checkoutSessionId }).pipe(Effect.either), before)
    return { error, tried }
  })

const answers = (it: CheckoutIt): void => {
  it(
    "an update that breaks no rule is accepted",
    Effect.gen(function* () {
      const { session } = yield* send(yield* attempt)
      assert.strictEqual(session.nextState, "Inventory")
    })
  )
  for (const broken of rules) {
    it(
      `step ${broken.step} alone answers ${broken.tag}, certainly not applied, and tells what is allowed to be told`,
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const { error, tried } = yield* refusedFor([broken])
        const { _tag, applied, reason, retryable } = error
        assert.deepStrictEqual(
          { _tag, applied, reason, retryable },
          { _tag: broken.tag, applied: "no", reason: broken.reason, retryable: broken.retryable ?? false }
        )
        assert.isAbove(error.message.length, 0)
        if (broken.step < 9) return assert.notProperty(error, "current")
        const session = yield* sessions.get(callers.admin, { checkoutSessionId: tried.world.checkoutSessionId })
        assert.deepStrictEqual("current" in error && error.current, CheckoutSession.currentOf(session))
      })
    )
  }
}

const order = (it: CheckoutIt): void => {
  rules.forEach((first, index) => {
    for (const second of rules.slice(index + 1)) {
      it(
        `step ${first.step} ${first.tag} comes before step ${second.step} ${second.tag}`,
        Effect.map(refusedFor([first, second]), ({ error }) => assert.strictEqual(error._tag, first.tag))
      )
    }
  })
}

/** The page's words, the step that answers them, callers and worlds that fulfil or break them in other ways. */
const conditions = (it: CheckoutIt): void => {
  const accepts = (title: string, change: (tried: Attempt) => Effect.Effect<void>) =>
    it(
      `accepted: ${title}`,
      Effect.gen(function* () {
        const tried = yield* attempt
        yield* change(tried)
        assert.strictEqual((yield* send(tried)).session.nextState, "Inventory")
      })
    )
  const refuses = (step: number, title: string, change: (tried: Attempt) => Effect.Effect<void>) =>
    it(
      `${rule(step).tag}: ${title}`,
      Effect.gen(function* () {
        const { error } = yield* refusedFor([{ ...rule(step), break: change }])
        assert.strictEqual(error._tag, rule(step).tag)
      })
    )

  accepts("the caller may modify all data", changeCaller(callers.admin))
  accepts("the caller is a commerce integrator", changeCaller(callers.integrator))
  accepts("the caller's role is granted by the directory", changeCaller(callers.clerk))
  accepts("the caller belongs to the account, though the cart is another's", changeCaller(callers.colleague))
  refuses(5, "no such session, its id as well-formed as any", changeInput({ checkoutSessionId: "cs_none" }))
  refuses(5, "the longest id there can be, of no session", changeInput({ checkoutSessionId: "x".repeat(64) }))
  for (const checkoutSessionId of ["x".repeat(65), "semi;colon", "päckchen", "null\u0000byte", "a b"])
    refuses(3, JSON.stringify(checkoutSessionId.slice(0, 20)), changeInput({ checkoutSessionId }))
  refuses(6, "the caller acts for an account that is not the cart's", changeCaller(callers.actingForOther))
  for (const status of ["Closed", "Processing", "PendingClosed", "PendingDelete"] satisfies Array<Carts.CartStatus>)
    refuses(10, `the cart is ${status}`, ({ world }) => world.setCartStatus(status))
  for (const status of ["Active", "Checkout"] satisfies Array<Carts.CartStatus>)
    accepts(`the cart is ${status}`, ({ world }) => world.setCartStatus(status))
  refuses(11, "the session is a step further back", changeInput({ expCurrentState: "Start" }))
  refuses(12, "expecting where the session goes: waiting can help", (tried) =>
    Effect.zipRight(tried.world.claim, changeInput({ expCurrentState: "Inventory", nextState: "Confirm Price" })(tried))
  )
  refuses(11, "expecting where the session was: waiting cannot help", (tried) =>
    Effect.zipRight(tried.world.claim, changeInput({ expCurrentState: "Start" })(tried))
  )
  refuses(4, "both states are the same, without a version", changeInput({ nextState: "Shipping Address" }))
  refuses(4, "states differ in case", changeInput({ nextState: "inventory" }))
  refuses(4, "nobody may ask for Error", changeInput({ nextState: "Error" }))
  refuses(2, "a wrong type", changeInput({ nextState: 7 }))
  refuses(2, "null counts as missing", changeInput({ nextState: null }))
  refuses(2, "an unknown name", (tried) =>
    changeInput({ ...({ nextSate: "Inventory" } as Record<string, unknown>) })(tried)
  )
  refuses(2, "a key longer than 255 characters", changeInput({ idempotencyKey: "k".repeat(256) }))
}

const secrets = (it: CheckoutIt): void => {
  it(
    "a missing session and a forbidden one are answered alike, whatever is asked of them",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { world } = yield* attempt
      const ask = (checkoutSessionId: string) =>
        Effect.all([
          Effect.flip(
            sessions.update(callers.stranger, {
              checkoutSessionId,
              expCurrentState: "Start",
              nextState: "Inventory"
            })
          ),
          Effect.flip(sessions.get(callers.stranger, { checkoutSessionId })),
          Effect.flip(sessions.cancel(callers.stranger, { checkoutSessionId })),
          Effect.flip(sessions.history(callers.stranger, { checkoutSessionId }))
        ])
      assert.deepStrictEqual(yield* ask(world.checkoutSessionId), yield* ask("cs_none"))
    })
  )
  it(
    "open is refused by the same rules, and creates nothing",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { accountId, cartId, ...world } = yield* openedWorld
      const tagOf = (caller: Caller.Caller, input: CheckoutSessions.OpenInput) =>
        Effect.map(Effect.flip(sessions.open(caller, input)), ({ _tag }) => _tag)
      assert.strictEqual(yield* tagOf(callers.nobody, { cartId }), "ActionNotPermitted")
      assert.strictEqual(yield* tagOf(callers.buyer, {} as never), "InvalidInput")
      assert.strictEqual(yield* tagOf(callers.buyer, { cartId, initialState: "Nowhere" }), "InvalidState")
      assert.strictEqual(yield* tagOf(callers.buyer, { cartId: "no-such-cart" }), "SessionInaccessible")
      assert.strictEqual(yield* tagOf(callers.stranger, { cartId }), "SessionInaccessible")
      yield* world.leaveStore
      assert.strictEqual(yield* tagOf(callers.buyer, { cartId }), "NotStoreMember")
      yield* world.closeAccount
      assert.strictEqual(yield* tagOf(callers.buyer, { cartId }), "AccountInaccessible")
    })
  )
  it(
    "only who may, closes or releases an operation, and one that does not run is refused",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const claim = { checkoutSessionId, operationId: "op_none" }
      const released = { ...claim, reason: "stuck" }
      assert.strictEqual((yield* Effect.flip(sessions.completeTask(callers.buyer, claim)))._tag, "ActionNotPermitted")
      assert.strictEqual(
        (yield* Effect.flip(sessions.releaseClaim(callers.integrator, released)))._tag,
        "ActionNotPermitted"
      )
      for (const error of [
        yield* Effect.flip(sessions.completeTask(callers.integrator, claim)),
        yield* Effect.flip(sessions.failTask(callers.integrator, { ...claim, code: "NO_STOCK" })),
        yield* Effect.flip(sessions.releaseClaim(callers.admin, released))
      ])
        assert.deepInclude(error, { _tag: "OperationNotCurrent", applied: "no" })
    })
  )
  it(
    "only an operator moves a session, and to a state of the flow; the history says who and why",
    Effect.gen(function* () {
      const sessions = yield* Sessions
      const { checkoutSessionId } = yield* openedWorld
      const input = { checkoutSessionId, state: "Taxes", reason: "stranded", expectedVersion: 1, idempotencyKey: "m" }
      for (const caller of [callers.buyer, callers.integrator])
        assert.strictEqual((yield* Effect.flip(sessions.move(caller, input)))._tag, "ActionNotPermitted")
      const odd = yield* Effect.flip(sessions.move(callers.admin, { ...input, state: "Nowhere" }))
      assert.deepInclude(odd, { _tag: "InvalidState", fields: ["state"] })
      const moved = yield* sessions.move(callers.admin, input)
      assert.deepInclude(moved.session, { state: "Taxes", version: 2 })
      assert.deepStrictEqual(yield* sessions.move(callers.admin, input), { ...moved, replayed: true })
      const late = yield* Effect.flip(sessions.move(callers.admin, { ...input, idempotencyKey: "other" }))
      assert.deepInclude(late, { _tag: "ExpectedStateMismatch", reason: "VERSION_MISMATCH" })
      const [, entry] = yield* sessions.history(callers.admin, { checkoutSessionId })
      assert.deepInclude(entry, { type: "Moved", from: "Start", to: "Taxes", reason: "stranded", version: 2 })
      assert.strictEqual(entry?.by, callers.admin.userId)
    })
  )
}

/** Registers the tests of refusals. */
export const refusals = (it: CheckoutIt): void => {
  answers(it)
  order(it)
  conditions(it)
  secrets(it)
}
