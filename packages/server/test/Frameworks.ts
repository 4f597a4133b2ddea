/** Frameworks: what every example in `examples/frameworks` does, raced over HTTP and shut down with streams open. */
import { assert } from "@effect/vitest"
import type { Program } from "./Program.js"

const toInventory = { expCurrentState: "Start", nextState: "Inventory" }

const racers = 40

type Ask = (
  path: string,
  body?: object,
  cookie?: string,
  headers?: Readonly<Record<string, string>>
) => Promise<Response>

const asking =
  (url: string): Ask =>
  (path, body, cookie = "user=ann", headers = {}) =>
    fetch(url + path, {
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      headers: { cookie, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }
    })

const json = async (answer: Response): Promise<any> => answer.json()

/** Opens a session below a path and gives its own path. */
const open = async (ask: Ask, base: string, cartId: string): Promise<string> => {
  const opened = await ask(`${base}/v1/checkout-sessions`, { cartId })
  const { session } = await json(opened)
  assert.strictEqual(opened.status, 201)
  assert.strictEqual(opened.headers.get("location"), `${base}/v1/checkout-sessions/${session.id}`)
  return `${base}/v1/checkout-sessions/${session.id}`
}

const race = async (ask: Ask, at: string): Promise<void> => {
  const raced = await Promise.all(
    Array.from({ length: racers }, async () => {
      const answer = await ask(`${at}/update`, toInventory)
      return { status: answer.status, body: await json(answer) }
    })
  )
  assert.strictEqual(raced.filter(({ status }) => status === 200).length, 1)
  for (const { body, status } of raced.filter(({ status }) => status !== 200))
    assert.deepStrictEqual([status, body._tag, body.current.state], [409, "ExpectedStateMismatch", "Inventory"])
}

const raceActions = async (ask: Ask, base: string): Promise<void> => {
  const action = (name: string, input: object) =>
    ask(`${base}/services/data/v62.0/actions/standard/${name}`, { inputs: [input] }).then(json)
  const [opened] = await action("checkoutSessionAction", { cartId: "by-action" })
  const input = { checkoutSessionId: opened.outputValues.checkoutSessionId, ...toInventory }
  const raced = await Promise.all(Array.from({ length: racers }, () => action("updateCheckoutSessionAction", input)))
  assert.strictEqual(raced.filter(([{ isSuccess }]) => isSuccess).length, 1)
  for (const [{ current, errorCode, isSuccess }] of raced)
    if (!isSuccess) assert.deepStrictEqual([errorCode, current.state], ["INVALID_INPUT", "Inventory"])
}

/** Keys, tags, refusals and links below the path. */
const callOnce = async (ask: Ask, base: string): Promise<void> => {
  const at = await open(ask, base, "once")
  const keyed = () => ask(`${at}/update`, toInventory, "user=ann", { "idempotency-key": "k" })
  assert.strictEqual((await keyed()).headers.get("idempotent-replayed"), null)
  assert.strictEqual((await keyed()).headers.get("idempotent-replayed"), "true")
  const tag = (await ask(at)).headers.get("etag")!
  assert.strictEqual((await ask(at, undefined, "user=ann", { "if-none-match": tag })).status, 304)
  for (const [path, cookie, status] of [
    [at, "user=", 401],
    [at, "user=bob", 400],
    [`${base}/v1/nothing`, "user=ann", 404],
    [`${base}/openapi.json`, "", 200]
  ] as const)
    assert.strictEqual((await ask(path, undefined, cookie)).status, status, path)
  const broken = await fetch((await ask(`${base}/openapi.json`)).url.replace("openapi.json", "v1/checkout-sessions"), {
    method: "POST",
    headers: { cookie: "user=ann", "content-type": "text/plain" },
    body: "{"
  })
  assert.strictEqual(broken.status, 415)
}

/** Routes of the shop's own. */
const callOwn = async (ask: Ask, base: string): Promise<void> => {
  const at = await open(ask, base, "own")
  const id = at.slice(at.lastIndexOf("/") + 1)
  await ask(`${at}/update`, toInventory)
  const refused = await ask("/carts/own/cancel", {}, "user=bob")
  assert.match(refused.headers.get("content-type")!, /^application\/problem\+json/)
  assert.deepStrictEqual([refused.status, (await json(refused))._tag], [400, "SessionInaccessible"])
  assert.deepStrictEqual(await json(await ask("/carts/own/cancel", {})), { cancelled: id })
  const changes = await ask(`/sessions/${id}/changes`, undefined, "user=ann", { "last-event-id": "1" })
  assert.match(
    await changes.text(),
    /^id: 2\nevent: change[\s\S]*\nid: 3\nevent: change[\s\S]*\nevent: end\ndata: {}\n\n$/
  )
}

/** Uses an example as many clients do, and ends it while two streams are open. `exit`: the code of the framework for SIGTERM. */
export const use = async (program: Program, url: string, exit: number | null = 0): Promise<void> => {
  const ask = asking(url)
  const base = "/shops/7/checkout"
  const at = await open(ask, base, "raced")
  await race(ask, at)
  await raceActions(ask, base)
  await callOnce(ask, base)
  await callOwn(ask, base)
  const streams = await Promise.all([
    ask(`${at}/events`),
    ask(`/sessions/${at.slice(at.lastIndexOf("/") + 1)}/changes`)
  ])
  for (const each of streams)
    assert.deepStrictEqual([each.status, each.headers.get("content-type")], [200, "text/event-stream"])
  const texts = Promise.all(streams.map((each) => each.text()))
  program.process.kill("SIGTERM")
  for (const text of await texts) assert.match(text, /event: error\ndata: .*"reason":"DRAINING".*\n\n$/)
  const { code, stderr } = await program.ended
  assert.deepStrictEqual([code, stderr], [exit, ""])
}
