/** Event streams of a whole server end with the key and with the right to watch. */
import { assert, describe, it } from "@effect/vitest"
import { call } from "./Call.js"
import { serving } from "./Serving.js"

const tokens = {
  operator: { userId: "operator", roles: ["modify-all-data"] },
  ann: { userId: "ann", roles: ["buyer-checkout"] }
}

/** The first event that is no change, within five seconds of `end`; what was read before it comes along. */
const lastEvent = async (url: string, token: string, id: string, end: () => Promise<unknown>) => {
  const answer = await fetch(`${url}/v1/checkout-sessions/${id}/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000)
  })
  assert.strictEqual(answer.status, 200)
  await end()
  const text = await answer.text()
  const [, name, said] = /event: (error|end)\ndata: (.*)\n/.exec(text) ?? []
  return { name, body: JSON.parse(said ?? "null"), text }
}

/** Makes an API key for a robot, a session with it, and does `act` with both. */
const withRobot = async (
  url: string,
  act: (robot: { token: string; revoke: () => Promise<void> }, path: string, id: string) => Promise<void>
): Promise<void> => {
  const wanted = { label: "robot", userId: "robot", roles: ["commerce-integrator"] }
  const made = await call(url, "operator", "POST", "/admin/v1/keys.create", wanted)
  assert.strictEqual(made.status, 200, made.text)
  const { key, token } = made.body
  const opened = await call(url, token, "POST", "/v1/checkout-sessions", { cartId: "c", ownerId: "ann" })
  const revoke = async () => {
    const revoked = await call(url, "operator", "POST", "/admin/v1/keys.revoke", { id: key.id })
    assert.strictEqual(revoked.status, 200, revoked.text)
  }
  await act({ token, revoke }, `/v1/checkout-sessions/${opened.body.session.id}`, opened.body.session.id)
}

describe("an event stream", { timeout: 60_000 }, () => {
  it.live("stream: ends with 401 at once when its API key is revoked", () =>
    serving(
      tokens,
      (url) =>
        withRobot(url, async (robot, path, id) => {
          const { body, name, text } = await lastEvent(url, robot.token, id, async () => {
            await robot.revoke()
            await call(url, "operator", "POST", `${path}/cancel`)
          })
          assert.strictEqual(name, "error")
          assert.deepInclude(body, { status: 401, code: "INVALID_SESSION_ID" })
          assert.notInclude(text, "event: change")
        }),
      ["--api-keys"]
    )
  )

  it.live("a read that waits answers 401 when its API key was revoked meanwhile, and shows nothing of the change", () =>
    serving(
      tokens,
      (url) =>
        withRobot(url, async (robot, path, id) => {
          const waiting = fetch(`${url}${path}?afterVersion=1`, {
            headers: { authorization: `Bearer ${robot.token}`, prefer: "wait=20" },
            signal: AbortSignal.timeout(30_000)
          })
          // The wait has begun once the server has answered what came after it.
          assert.strictEqual((await call(url, robot.token, "GET", path)).status, 200)
          await robot.revoke()
          await call(url, "operator", "POST", `${path}/cancel`)
          const answer = await waiting
          const text = await answer.text()
          assert.strictEqual(answer.status, 401, text)
          assert.deepInclude(JSON.parse(text), { code: "INVALID_SESSION_ID" })
          assert.notInclude(text, id)
        }),
      ["--api-keys"]
    )
  )

  it.live("stream: a buyer's stream ends at once with 'not found' when the cart gets another owner", () =>
    serving(tokens, async (url) => {
      const open = (ownerId: string) => call(url, "operator", "POST", "/v1/checkout-sessions", { cartId: "c", ownerId })
      const { session } = (await open("ann")).body
      const { body, name, text } = await lastEvent(url, "ann", session.id, () => open("bob"))
      assert.deepEqual([name, body._tag], ["error", "SessionInaccessible"])
      assert.notInclude(text, "event: change")
    })
  )
})
