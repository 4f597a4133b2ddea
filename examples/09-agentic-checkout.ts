/**
 * A seller's side of the Agentic Commerce Protocol (2026-04-17): create, get, update, complete and cancel a checkout
 * session. It keeps no state of its own. Items, address, delivery, totals and payment are session data, in the same
 * commit as the state. A crash loses nothing, and if many agents complete at once, one is charged, once. Run it with a
 * file and a port.
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
const may = <A, I>(schema: S.Schema<A, I>) => S.optional(S.NullOr(schema))
const some = may(S.String.pipe(S.maxLength(255)))
const email = text.pipe(S.pattern(/^[^@\s]+@[^@\s]+$/))
const Buyer = S.Struct({ email, first_name: some, last_name: some, full_name: some, phone_number: some })
const street = { name: text, line_one: text, line_two: some, city: text }
const Address = S.Struct({ ...street, state: text, country: text, postal_code: text })
const contact = { name: some, phone_number: some, email: may(email) }
const Items = S.Array(S.Struct({ id: S.Literal(...Object.keys(catalog)) })).pipe(S.minItems(1), S.maxItems(100))
const Selected = S.Struct({ type: S.Literal("shipping"), option_id: S.Literal(...Object.keys(deliveries)) })
const said = {
  line_items: S.optional(Items),
  buyer: may(Buyer),
  fulfillment_details: may(S.Struct({ ...contact, address: may(Address) })),
  selected_fulfillment_options: may(S.Array(Selected).pipe(S.itemsCount(1)))
}

const Create = S.Struct({ ...said, line_items: Items, currency: S.Literal("usd"), capabilities: S.Struct({}) })
const Update = S.Struct(said)
const Instrument = S.Struct({ credential: S.Struct({ token: text }) })
const Complete = S.Struct({ buyer: said.buyer, payment_data: S.Struct({ instrument: Instrument }) })

/** The session data. `requests`: the version that each accepted request expected, so that a retry expects it again. */
const Data = S.Struct({
  ...said,
  line_items: Items,
  payment: S.optional(S.Struct({ token: some, charge: some, cents: may(S.Int), declined: may(S.Boolean) })),
  requests: S.optional(S.Record({ key: text, value: S.Int }))
})
type Data = typeof Data.Encoded

/** A token is kept until the provider has reported its outcome. */
const isPending = ({ payment }: Data): boolean => payment?.token != null
const priced = ({ line_items, payment, selected_fulfillment_options: selected }: Data) => {
  const quantityOf = (id: string) => line_items.filter((item) => item.id === id).length
  const ids = [...new Set(line_items.map(({ id }) => id))]
  const lines = ids.map((id) => ({ id, cents: catalog[id]!, quantity: quantityOf(id) }))
  const goods = lines.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0)
  const delivery = selected == null ? 0 : deliveries[selected[0]!.option_id]!
  return { lines, goods, delivery, due: payment?.cents ?? goods + delivery }
}

const charged = async (key: string, token: string, cents: number, signal: AbortSignal): Promise<string | null> => {
  const url = process.env.PROVIDER_URL
  if (url === undefined) return `pretended-${key}`
  const headers = { "idempotency-key": key }
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ token, cents }), signal })
  if (answer.status === 402) return null
  if (!answer.ok) throw { code: "PROVIDER", message: `status ${answer.status}` }
  return await answer.text()
}

const pay = async ({ session, signal, workKey }: Task.TaskContext): Promise<Task.TaskSuccess<"Paid" | "Declined">> => {
  const data = session.data as unknown as Data
  const cents = priced(data).due
  const charge = await charged(workKey, data.payment!.token!, cents, signal)
  const payment = charge === null ? { token: null, declined: true } : { token: null, charge, cents }
  return { next: charge === null ? "Declined" : "Paid", data: { payment } }
}

/** No edit runs the payment: it is the work between Open and Paid. In Error the outcome at the provider is unknown. */
const flow = Flow.defineFlow({
  name: "agentic",
  initial: "Open",
  transitions: { Open: ["Paid", "Declined"], Declined: ["Open"], Paid: ["Ordered"], Ordered: [] },
  data: Data,
  proceed: { Declined: "Open", Paid: "Ordered" },
  tasks: {
    Open: { nextStates: ["Paid"], run: pay },
    Paid: { run: ({ session }) => ({ orderId: `order-${session.id}` }) }
  }
})

type Session = SessionOf<typeof flow>
type Agent = Checkout<typeof flow>

const isReady = ({ buyer, fulfillment_details: details, selected_fulfillment_options: selected }: Data): boolean =>
  (buyer?.email ?? details?.email) != null && details?.address != null && selected != null

const statusOf = ({ closedBy, isProcessing }: Session, data: Data): string => {
  if (closedBy !== null) return { COMPLETED: "completed", EXPIRED: "expired", CANCELLED: "canceled" }[closedBy]
  if (isProcessing || isPending(data)) return "complete_in_progress"
  return isReady(data) ? "ready_for_payment" : "not_ready_for_payment"
}

const needed = "Email, address and delivery are needed"
const error = (code: string, content: string) => ({ type: "error", code, content_type: "plain", content })
const amount = (type: string, display_text: string, cents: number) => ({ type, display_text, amount: cents })

/** The session in the protocol's form: a function of the session alone, so that a retry gets the same bytes. */
const shown = (session: Session) => {
  const data = session.data as unknown as Data
  const { delivery, due, goods, lines } = priced(data)
  const { id, orderId } = session
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
    messages: data.payment?.declined ? [error("payment_declined", "The payment was declined")] : unready,
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
const unknown = refused(409, "payment_unknown", "The provider has not answered: complete again with the same payment")
/**
 * Writes at the version that it read; retries if another request was first. A repeated request expects its old version.
 */
const write = async (agent: Agent, checkoutSessionId: string, key: string, token: string | null, patch: object) => {
  for (let tries = 1; ; tries++) {
    const { data, isArchived, isError, version } = await agent.getOrThrow({ checkoutSessionId })
    const now = data as unknown as Data
    const before = now.requests?.[key]
    const isNew = before === undefined && !isArchived
    if (isNew && token !== null && !isReady({ ...now, ...patch })) throw refused(400, "missing", needed)
    if (isNew && isPending(now) && now.payment?.token !== token) throw unknown
    if (isNew && isError && tries < 16) {
      await agent.update({ checkoutSessionId, expCurrentState: "Error", nextState: "Open", expectedVersion: version })
      continue
    }
    const expectedVersion = before ?? version
    const nextState = token === null ? "Open" : "Paid"
    const update = { checkoutSessionId, expCurrentState: "Open", nextState, expectedVersion, idempotencyKey: key }
    const payment = token === null ? null : { token, declined: null }
    const kept = { ...update, data: { ...patch, payment, requests: { [key]: expectedVersion } } }
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
  if (verb === undefined) return await write(agent, checkoutSessionId, key, null, decoded(Update, body))
  if (verb === "complete") {
    const { payment_data, ...rest } = decoded(Complete, body)
    return await write(agent, checkoutSessionId, key, payment_data.instrument.credential.token, rest)
  }
  const { data, isProcessing } = await agent.getOrThrow({ checkoutSessionId })
  if (isProcessing || isPending(data as unknown as Data)) throw unknown
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
  const told = { ...(replayed && { "idempotent-replayed": "true" }) }
  return { status: path.length === 0 ? 201 : 200, body: shown(session), headers: told }
}

const [storage = ":memory:", port = "0"] = process.argv.slice(2)
const checkout = await Onelane.open({ storage, flow, expiresInMillis: 86_400_000 })
const server = createServer(async (request, response) => {
  const { body, headers, status } = await serve(request).catch(refusedBy)
  const { "idempotency-key": key, "request-id": id } = request.headers
  const told = { ...(id && { "request-id": id }), ...(key && request.method === "POST" && { "idempotency-key": key }) }
  response.writeHead(status, { "content-type": "application/json", ...told, ...headers }).end(JSON.stringify(body))
})
server.listen(Number(port), "127.0.0.1", () => console.log(`listening on ${(server.address() as AddressInfo).port}`))
process.once("SIGTERM", () => server.close(() => checkout.close()))
