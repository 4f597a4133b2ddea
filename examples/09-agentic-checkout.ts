/**
 * A seller's side of the Agentic Commerce Protocol (2026-04-17): create, get, update, complete and cancel a checkout session.
 * It keeps no state of its own. Items, address, delivery, totals and payment are the data of the session, in the commit of its
 * state: a crash loses nothing, and of many agents that complete at once one is charged, once. Run it with a file and a port.
 */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { type Checkout, Flow, Onelane, OnelaneError, type SessionOf, type Task } from "@onelane/sdk"
import * as S from "effect/Schema"

const version = "2026-04-17"
const agents = new Map([["agent-key", "agent"]])
const catalog: Readonly<Record<string, number>> = { mug: 1_200, shirt: 2_500 }
const deliveries: Readonly<Record<string, number>> = { standard: 500, express: 1_500 }

const text = S.NonEmptyString.pipe(S.maxLength(255))
const some = S.optional(text)
const email = text.pipe(S.pattern(/^[^@\s]+@[^@\s]+$/))
const Buyer = S.Struct({ email, first_name: some, last_name: some, full_name: some, phone_number: some })
const street = { name: text, line_one: text, line_two: some, city: text }
const Address = S.Struct({ ...street, state: text, country: text, postal_code: text })
const contact = { name: some, phone_number: some, email: S.optional(email) }
const Items = S.Array(S.Struct({ id: S.Literal(...Object.keys(catalog)) })).pipe(S.minItems(1), S.maxItems(100))
const Selected = S.Struct({ type: S.Literal("shipping"), option_id: S.Literal(...Object.keys(deliveries)) })
const said = {
  line_items: S.optional(Items),
  buyer: S.optional(Buyer),
  fulfillment_details: S.optional(S.Struct({ ...contact, address: S.optional(Address) })),
  selected_fulfillment_options: S.optional(S.Array(Selected).pipe(S.itemsCount(1)))
}

// Requests. Decoding leaves out what this shop does not know.
const Create = S.Struct({ ...said, line_items: Items, currency: S.Literal("usd"), capabilities: S.Struct({}) })
const Update = S.Struct(said)
const Instrument = S.Struct({ credential: S.Struct({ token: text }) })
const Complete = S.Struct({ buyer: said.buyer, payment_data: S.Struct({ instrument: Instrument }) })

/** What a session keeps. `requests`: the version each accepted request expected, so that a repeated one is the same again. */
const Data = S.Struct({
  ...said,
  line_items: Items,
  payment: S.optional(S.Struct({ token: some, charge: some, cents: S.optional(S.Int) })),
  requests: S.optional(S.Record({ key: text, value: S.Int }))
})
type Data = typeof Data.Encoded

/** Prices: a function of the data alone. */
const priced = ({ line_items, payment, selected_fulfillment_options: selected }: Data) => {
  const quantityOf = (id: string) => line_items.filter((item) => item.id === id).length
  const ids = [...new Set(line_items.map(({ id }) => id))]
  const lines = ids.map((id) => ({ id, cents: catalog[id]!, quantity: quantityOf(id) }))
  const goods = lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0)
  const delivery = selected === undefined ? 0 : deliveries[selected[0]!.option_id]!
  return { lines, goods, delivery, due: payment?.cents ?? goods + delivery }
}

/** Takes the money once a key, as payment providers do. */
const charge = async (key: string, token: string, cents: number, signal: AbortSignal): Promise<string> => {
  const url = process.env.PROVIDER_URL
  if (url === undefined) return `pretended-${key}`
  const headers = { "idempotency-key": key }
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ token, cents }), signal })
  if (answer.status === 402) throw { code: "DECLINED", message: "declined", applied: "no", final: true }
  if (!answer.ok) throw { code: "PROVIDER", message: `status ${answer.status}` }
  return await answer.text()
}

const pay = async ({ session, signal, workKey }: Task.TaskContext) => {
  const data = session.data as unknown as Data
  const cents = priced(data).due
  return {
    data: { payment: { token: null, charge: await charge(workKey, data.payment!.token!, cents, signal), cents } }
  }
}

/** The payment is the work of the way from Open to Paid, so no edit runs it. Paid proceeds: its order is made in any case. */
const flow = Flow.defineFlow({
  name: "agentic",
  initial: "Open",
  transitions: { Open: ["Paid"], Paid: ["Ordered"], Ordered: [] },
  data: Data,
  proceed: { Paid: "Ordered" },
  tasks: {
    Open: { nextStates: ["Paid"], run: pay },
    Paid: { run: ({ session }) => ({ orderId: `order-${session.id}` }) }
  }
})

type Session = SessionOf<typeof flow>
type Agent = Checkout<typeof flow>

const isReady = ({ buyer, fulfillment_details: details, selected_fulfillment_options: selected }: Data): boolean =>
  (buyer?.email ?? details?.email) !== undefined && details?.address !== undefined && selected !== undefined

const statusOf = ({ closedBy, isProcessing }: Session, data: Data): string => {
  if (closedBy === "COMPLETED") return "completed"
  if (closedBy !== null) return closedBy === "EXPIRED" ? "expired" : "canceled"
  if (isProcessing) return "complete_in_progress"
  return isReady(data) ? "ready_for_payment" : "not_ready_for_payment"
}

const needed = "Email, address and delivery are needed"
const error = (code: string, content: string) => ({ type: "error", code, content_type: "plain", content })
const amount = (type: string, display_text: string, cents: number) => ({ type, display_text, amount: cents })

/** The session as the protocol has it: a function of the session alone, so that a repeated request gets the same bytes. */
const shown = (session: Session) => {
  const data = session.data as unknown as Data
  const { delivery, due, goods, lines } = priced(data)
  const { id, isError, orderId } = session
  const unready = isReady(data) ? [] : [error("missing", needed)]
  const order = { id: orderId, checkout_session_id: id, permalink_url: `https://shop.example/orders/${orderId}` }
  return {
    id,
    protocol: { version },
    capabilities: {},
    status: statusOf(session, data),
    currency: "usd",
    buyer: data.buyer,
    line_items: lines.map(({ cents, id, quantity }) => {
      const totals = [amount("total", "Total", cents * quantity)]
      return { id, item: { id, unit_amount: cents }, quantity, unit_amount: cents, totals }
    }),
    fulfillment_details: data.fulfillment_details,
    fulfillment_options: Object.entries(deliveries).map(([id, cents]) => {
      return { type: "shipping", id, title: id, totals: [amount("total", id, cents)] }
    }),
    selected_fulfillment_options: data.selected_fulfillment_options?.map((option) => {
      return { ...option, item_ids: lines.map(({ id }) => id) }
    }),
    totals: [
      ...[amount("items_base_amount", "Items", goods), amount("fulfillment", "Delivery", delivery)],
      amount("total", "Total", due)
    ],
    messages: isError ? [error("payment_declined", "The payment was not made")] : unready,
    links: [{ type: "terms_of_use", url: "https://shop.example/terms" }],
    order: session.closedBy === "COMPLETED" ? order : undefined
  }
}

type Reply = { readonly status: number; readonly body: object; readonly headers?: Readonly<Record<string, string>> }

const refused = (status: number, code: string, message: string, more: object = {}): Reply => {
  const type = status < 500 ? "invalid_request" : status === 503 ? "service_unavailable" : "processing_error"
  const body = { type, code, message, ...more }
  return status === 409 || status >= 500 ? { status, body, headers: { "retry-after": "1" } } : { status, body }
}

const statuses = { SessionInaccessible: 404, InvalidData: 400, StorageUnavailable: 500, Overloaded: 503 }

const refusedBy = (thrown: unknown): Reply => {
  if (thrown instanceof SyntaxError) return refused(400, "invalid_json", "The body is no JSON")
  if (!(thrown instanceof OnelaneError))
    return "body" in Object(thrown) ? (thrown as Reply) : refused(500, "failed", "Failed")
  const { _tag, message, reason } = thrown.error
  if (_tag === "IdempotencyConflict") return refused(422, "idempotency_conflict", message)
  return refused(statuses[_tag as keyof typeof statuses] ?? 409, reason.toLowerCase(), message)
}

const decoded = <A, I>(schema: S.Schema<A, I>, body: unknown): A => {
  const read = S.decodeUnknownEither(schema)(body)
  if (read._tag === "Right") return read.right
  throw refused(400, "invalid", "The request does not have the form of the protocol, or names what is not sold here")
}

/** Writes at the version it has read, and again where another request was first. A repeated request expects what it did before. */
const write = async (agent: Agent, checkoutSessionId: string, key: string, nextState: string, patch: object) => {
  for (let tries = 1; ; tries++) {
    const { data, isArchived, isError, version } = await agent.getOrThrow({ checkoutSessionId })
    const now = data as unknown as Data
    const before = now.requests?.[key]
    const isNew = before === undefined && !isArchived
    if (isNew && nextState === "Paid" && !isReady({ ...now, ...patch })) throw refused(400, "missing", needed)
    if (isNew && isError && tries < 16) {
      await agent.update({ checkoutSessionId, expCurrentState: "Error", nextState: "Open", expectedVersion: version })
      continue
    }
    const expectedVersion = before ?? version
    const update = { checkoutSessionId, expCurrentState: "Open", nextState, expectedVersion, idempotencyKey: key }
    const kept = { ...update, data: { ...patch, requests: { [key]: expectedVersion } } }
    const answer = await agent.update(kept as never, { wait: "screen", waitMillis: 20_000 })
    if (answer.ok && answer.value.arrived === true) return answer.value
    if (answer.ok) throw refused(409, "idempotency_in_flight", "The payment is being made: ask again, same key")
    if (answer.error.reason !== "VERSION_MISMATCH" || tries === 16) throw new OnelaneError(answer.error)
  }
}

const answerTo = async (agent: Agent, path: ReadonlyArray<string>, key: string, body: unknown) => {
  const [checkoutSessionId = "", verb] = path
  if (path.length === 0) {
    const { capabilities: _, currency: __, ...data } = decoded(Create, body)
    return await agent.openOrThrow({ cartId: `cart-${key}`, data, idempotencyKey: key } as never)
  }
  if (verb === undefined) return await write(agent, checkoutSessionId, key, "Open", decoded(Update, body))
  if (verb === "complete") {
    const { payment_data, ...rest } = decoded(Complete, body)
    const payment = { token: payment_data.instrument.credential.token }
    return await write(agent, checkoutSessionId, key, "Paid", { ...rest, payment })
  }
  const { isProcessing } = await agent.getOrThrow({ checkoutSessionId })
  if (isProcessing) throw refused(409, "complete_in_progress", "The payment is being made")
  const answer = await agent.cancel({ checkoutSessionId, idempotencyKey: key })
  if (answer.ok) return { ...answer.value, session: answer.value.session! }
  throw answer.error._tag === "SessionClosed"
    ? refused(405, "closed", answer.error.message)
    : new OnelaneError(answer.error)
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let body = ""
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk
    if (body.length > 65_536) throw refused(413, "too_long", "The body is too long")
  }
  return JSON.parse(body === "" ? "{}" : body)
}

const serve = async (request: IncomingMessage): Promise<Reply> => {
  const { headers, method, url = "" } = request
  const userId = agents.get(headers.authorization?.replace(/^Bearer /, "") ?? "")
  if (userId === undefined) return refused(401, "unauthorized", "The key is missing or unknown")
  if (headers["api-version"] !== version)
    return refused(400, "unsupported_version", "Use another version", { supported_versions: [version] })
  const path = /^\/checkout_sessions(?:\/([\w-]+)(?:\/(complete|cancel))?)?$/.exec(url)?.slice(1).filter(Boolean)
  if (path === undefined) return refused(404, "not_found", "There is no such path")
  const agent = checkout.as({ userId, roles: ["buyer-checkout"], actingAccountId: null })
  if (method === "GET" && path.length === 1)
    return { status: 200, body: shown(await agent.getOrThrow({ checkoutSessionId: path[0]! })) }
  if (method !== "POST") return refused(405, "method_not_allowed", "The method is not allowed here")
  const key = headers["idempotency-key"]
  if (typeof key !== "string" || !/^[ -~]{1,255}$/.test(key))
    return refused(400, "idempotency_key_required", "Idempotency-Key is missing, or not 1 to 255 printable characters")
  const own = createHash("sha256").update(JSON.stringify([userId, path, key]))
  const { replayed, session } = await answerTo(agent, path, own.digest("hex").slice(0, 40), await bodyOf(request))
  const told = { "idempotency-key": key, ...(replayed && { "idempotent-replayed": "true" }) }
  return { status: path.length === 0 ? 201 : 200, body: shown(session), headers: told }
}

const [storage = ":memory:", port = "0"] = process.argv.slice(2)
const checkout = await Onelane.open({ storage, flow, expiresInMillis: 86_400_000 })
const server = createServer(async (request, response) => {
  const { body, headers, status } = await serve(request).catch(refusedBy)
  const id = request.headers["request-id"]
  const told = { "content-type": "application/json", ...(id !== undefined && { "request-id": id }), ...headers }
  response.writeHead(status, told).end(JSON.stringify(body))
})
server.listen(Number(port), "127.0.0.1", () => console.log(`listening on ${(server.address() as AddressInfo).port}`))
process.once("SIGTERM", () => server.close(() => checkout.close()))
