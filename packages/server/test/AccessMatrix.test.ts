/** Everybody asks for every session, on both lanes, over HTTP: SEMANTICS §3, steps 1 and 5-7. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import {
  type Asked,
  accounts,
  Base,
  expected,
  type Held,
  held,
  type Person,
  people,
  stores,
  world
} from "./AccessWorld.js"

interface Answer {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly text: string
}

/** What differs from one answer to the next whoever asks. */
const varying = new Set(["date"])

const send = (token: string, method: string, path: string, body?: object): Effect.Effect<Answer, never, Base> =>
  Effect.flatMap(Base, (url) =>
    Effect.promise(async () => {
      const answer = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) })
      })
      const text = await answer.text()
      const headers = [...answer.headers].filter(([name]) => !varying.has(name))
      return { status: answer.status, headers, text }
    })
  )

/** Requests that change nothing, whoever sends them: what the rights let through is refused by a later rule. */
const requests: ReadonlyArray<{
  readonly asked: Asked
  readonly name: string
  readonly ask: (token: string, id: string) => Effect.Effect<Answer, never, Base>
  /** The tag where the rights hold; null: it succeeds. */
  readonly later: string | null
}> = [
  { asked: "read", name: "get", later: null, ask: (token, id) => send(token, "GET", `/v1/checkout-sessions/${id}`) },
  {
    asked: "read",
    name: "history",
    later: null,
    ask: (token, id) => send(token, "GET", `/v1/checkout-sessions/${id}/history`)
  },
  {
    asked: "update",
    name: "update",
    later: "ExpectedStateMismatch",
    ask: (token, id) =>
      send(token, "POST", `/v1/checkout-sessions/${id}/update`, {
        expCurrentState: "Inventory",
        nextState: "Confirm Price"
      })
  },
  {
    asked: "cancel",
    name: "cancel",
    later: "ExpectedStateMismatch",
    ask: (token, id) => send(token, "POST", `/v1/checkout-sessions/${id}/cancel`, { expectedVersion: 99 })
  },
  {
    // Of a cart that has a session already: it gives that one and opens none.
    asked: "open",
    name: "open",
    later: null,
    ask: (token, id) => opened(token, `cart-${id}`)
  },
  {
    asked: "cancel",
    name: "cancel by cart",
    later: "ExpectedStateMismatch",
    ask: (token, id) =>
      send(token, "POST", "/v1/checkout-sessions/cancel", { cartId: `cart-${id}`, expectedVersion: 99 })
  },
  {
    asked: "complete",
    name: "fail",
    later: "OperationNotCurrent",
    ask: (token, id) => send(token, "POST", `/v1/checkout-sessions/${id}/operations/op_none/fail`, { code: "X" })
  },
  {
    asked: "complete",
    name: "complete",
    later: "OperationNotCurrent",
    ask: (token, id) => send(token, "POST", `/v1/checkout-sessions/${id}/operations/op_none/complete`, {})
  },
  {
    asked: "release",
    name: "release",
    later: "OperationNotCurrent",
    ask: (token, id) =>
      send(token, "POST", `/v1/checkout-sessions/${id}/operations/op_none/release`, { reason: "a test" })
  }
]

const opened = (token: string, cartId: string) => send(token, "POST", "/v1/checkout-sessions", { cartId })

const action = (token: string, id: string) =>
  send(token, "POST", "/services/data/v60.0/actions/standard/updateCheckoutSessionAction", {
    inputs: [{ checkoutSessionId: id, expCurrentState: "Inventory", nextState: "Confirm Price" }]
  })

const missing = "store-none_account-none_somebody-else"

const each = <A>(things: ReadonlyArray<A>, body: (thing: A) => Effect.Effect<void, never, Base>) =>
  Effect.forEach(things, body, { concurrency: 8, discard: true })

/** Everything about a session that an answer to somebody without rights must not hold. */
const secrets = (session: Held): ReadonlyArray<string> => [session.cartId, session.ownerId, ...accounts, ...stores]

const assertSilent = ({ headers, text }: Answer, session: Held, about: string): void => {
  const body = text.replaceAll(session.id, "")
  for (const secret of secrets(session)) assert.notInclude(body, secret, about)
  assert.notMatch(body, /"current":\{/, about)
  assert.isUndefined(
    headers.find(([name]) => name === "etag"),
    about
  )
}

const tagOf = ({ text }: Answer): string | null => JSON.parse(text)._tag ?? null

/** One person, one request, every session. */
const judge = (person: Person, { ask, asked, later, name }: (typeof requests)[number]) =>
  Effect.gen(function* () {
    const toMissing = yield* ask(person.token, missing)
    const nothing =
      expected(person, asked, held[0]!) === "ActionNotPermitted" ? "ActionNotPermitted" : "SessionInaccessible"
    assert.strictEqual(tagOf(toMissing), nothing)
    for (const session of held) {
      const about = `${person.token}: ${name} ${session.id}`
      const answer = yield* ask(person.token, session.id)
      const refusal = expected(person, asked, session)
      assert.strictEqual(tagOf(answer), refusal ?? later, about)
      if (refusal !== null) assertSilent(answer, session, about)
      if (refusal === "SessionInaccessible") assert.deepStrictEqual(answer, toMissing, about)
    }
  })

layer(world, { excludeTestServices: true, timeout: "60 seconds" })("access", (it) => {
  for (const request of requests) {
    it.effect(
      `${request.name}: everybody gets what the contract says, and what they may not see is not there for them`,
      () => each(people, (person) => judge(person, request)),
      120_000
    )
  }

  it.effect(
    "the action lane says the same of every pair, and the same bytes of a missing and a forbidden session",
    () =>
      each(people, (person) =>
        Effect.gen(function* () {
          const toMissing = yield* action(person.token, missing)
          for (const session of held) {
            const about = `${person.token}: action ${session.id}`
            const answer = yield* action(person.token, session.id)
            const refusal = expected(person, "update", session)
            const reason = JSON.parse(answer.text)[0].reason
            assert.strictEqual(reason, reasons[refusal ?? "ExpectedStateMismatch"], about)
            if (refusal !== null) assertSilent(answer, session, about)
            if (refusal === "SessionInaccessible") assert.deepStrictEqual(answer, toMissing, about)
          }
        })
      ),
    120_000
  )

  it.effect("following a session that is missing or forbidden is answered with the same bytes, at once", () =>
    each(people, (person) =>
      Effect.gen(function* () {
        const follow = (id: string) => send(person.token, "GET", `/v1/checkout-sessions/${id}/events`)
        const toMissing = yield* follow(missing)
        for (const session of held.filter((each) => expected(person, "read", each) === "SessionInaccessible")) {
          assert.deepStrictEqual(yield* follow(session.id), toMissing)
        }
      })
    )
  )

  it.effect("nobody's question changed anything", () =>
    Effect.gen(function* () {
      const admin = people.find(({ acting, roles }) => acting === null && roles.includes("modify-all-data"))!
      for (const session of held.filter((each) => expected(admin, "read", each) === null)) {
        const { text } = yield* send(admin.token, "GET", `/v1/checkout-sessions/${session.id}`)
        assert.deepInclude(JSON.parse(text), { id: session.id, state: "Start", version: 1 })
      }
    })
  )

  it.effect("a forbidden session takes no other class of time than a missing one", () =>
    Effect.gen(function* () {
      const buyer = people.find(
        ({ memberOf, roles }) => memberOf === "account-one" && roles.includes("buyer-checkout")
      )!
      const forbidden = held.find((each) => expected(buyer, "read", each) === "SessionInaccessible")!
      const timed = (id: string) =>
        Effect.gen(function* () {
          const beganMillis = performance.now()
          yield* send(buyer.token, "GET", `/v1/checkout-sessions/${id}`)
          return performance.now() - beganMillis
        })
      // Taken in turns, so that whatever else the machine does falls on both; a busy moment gets two more chances.
      let ratio = Number.POSITIVE_INFINITY
      for (let round = 0; round < 3 && ratio > 2; round++) {
        const tookMillis: [Array<number>, Array<number>] = [[], []]
        for (let turn = 0; turn < 200; turn++) {
          tookMillis[0].push(yield* timed(forbidden.id))
          tookMillis[1].push(yield* timed(missing))
        }
        const [one, other] = tookMillis.map((all) => all.sort((a, b) => a - b)[100]!) as [number, number]
        ratio = Math.max(one / other, other / one)
      }
      assert.isAtMost(ratio, 2)
    })
  )
})

const reasons: Readonly<Record<string, string>> = {
  ActionNotPermitted: "ACTION_NOT_PERMITTED",
  SessionInaccessible: "SESSION_INACCESSIBLE",
  AccountInaccessible: "ACCOUNT_INVALID_OR_INACCESSIBLE",
  NotStoreMember: "NOT_A_STORE_MEMBER",
  ExpectedStateMismatch: "STATE_MISMATCH"
}
