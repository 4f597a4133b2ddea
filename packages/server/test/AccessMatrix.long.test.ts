/** Everybody asks for every session, on both lanes, over HTTP: CONTRACT §3, steps 1 and 5-7. */
import { assert, layer } from "@effect/vitest"
import type { Held } from "@onelane/testkit/AccessModel"
import * as Questions from "@onelane/testkit/AccessQuestions"
import { Effect } from "effect"
import { accounts, Base, expected, held, type Person, people, stores, world } from "./AccessWorld.js"

/** What differs from one answer to the next whoever asks. */
const varying = new Set(["date"])

const send = (token: string, [method, path, body]: Questions.Request): Effect.Effect<Questions.Answer, never, Base> =>
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

const missing = "store-none_account-none_somebody-else"

const each = <A>(things: ReadonlyArray<A>, body: (thing: A) => Effect.Effect<void, never, Base>) =>
  Effect.forEach(things, body, { concurrency: 8, discard: true })

const assertSilent = (answer: Questions.Answer, session: Held, about: string): void =>
  assert.deepStrictEqual(Questions.leaks(answer, session, [...accounts, ...stores]), [], about)

const tagOf = ({ text }: Questions.Answer): string | null => JSON.parse(text)._tag ?? null

/** One person, one request, every session. */
const judge = (person: Person, { asked, later, name, request }: Questions.Question) =>
  Effect.gen(function* () {
    const toMissing = yield* send(person.token, request(missing))
    const nothing =
      expected(person, asked, held[0]!) === "ActionNotPermitted" ? "ActionNotPermitted" : "SessionInaccessible"
    assert.strictEqual(tagOf(toMissing), nothing)
    for (const session of held) {
      const about = `${person.token}: ${name} ${session.id}`
      const answer = yield* send(person.token, request(session.id))
      const refusal = expected(person, asked, session)
      assert.strictEqual(tagOf(answer), refusal ?? later, about)
      if (refusal !== null) assertSilent(answer, session, about)
      if (refusal === "SessionInaccessible") assert.deepStrictEqual(answer, toMissing, about)
    }
  })

layer(world, { excludeTestServices: true, timeout: "60 seconds" })("access", (it) => {
  for (const question of Questions.questions) {
    it.effect(
      `${question.name}: each caller gets the contract's answer; a forbidden session looks like a missing one`,
      () => each(people, (person) => judge(person, question)),
      120_000
    )
  }

  it.effect(
    "standard action: each caller gets the contract's answer; forbidden and missing sessions have the same bytes",
    () =>
      each(people, (person) =>
        Effect.gen(function* () {
          const toMissing = yield* send(person.token, Questions.actionRequest(missing))
          for (const session of held) {
            const about = `${person.token}: action ${session.id}`
            const answer = yield* send(person.token, Questions.actionRequest(session.id))
            const refusal = expected(person, "update", session)
            const reason = JSON.parse(answer.text)[0].reason
            assert.strictEqual(reason, Questions.reasons[refusal ?? "ExpectedStateMismatch"], about)
            if (refusal !== null) assertSilent(answer, session, about)
            if (refusal === "SessionInaccessible") assert.deepStrictEqual(answer, toMissing, about)
          }
        })
      ),
    120_000
  )

  it.effect("events: forbidden and missing sessions get the same bytes at once", () =>
    each(people, (person) =>
      Effect.gen(function* () {
        const follow = (id: string) => send(person.token, ["GET", `/v1/checkout-sessions/${id}/events`])
        const toMissing = yield* follow(missing)
        for (const session of held.filter((each) => expected(person, "read", each) === "SessionInaccessible")) {
          assert.deepStrictEqual(yield* follow(session.id), toMissing)
        }
      })
    )
  )

  it.effect("reads and refused calls change no session", () =>
    Effect.gen(function* () {
      const admin = people.find(({ acting, roles }) => acting === null && roles.includes("modify-all-data"))!
      for (const session of held.filter((each) => expected(admin, "read", each) === null)) {
        const { text } = yield* send(admin.token, ["GET", `/v1/checkout-sessions/${session.id}`])
        assert.deepInclude(JSON.parse(text), { id: session.id, state: "Start", version: 1 })
      }
    })
  )

  it.effect("a forbidden session is answered as fast as a missing one", () =>
    Effect.gen(function* () {
      const buyer = people.find(
        ({ memberOf, roles }) => memberOf === "account-one" && roles.includes("buyer-checkout")
      )!
      const forbidden = held.find((each) => expected(buyer, "read", each) === "SessionInaccessible")!
      const timed = (id: string) =>
        Effect.gen(function* () {
          const beganMillis = performance.now()
          yield* send(buyer.token, ["GET", `/v1/checkout-sessions/${id}`])
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
