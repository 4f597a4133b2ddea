/**
 * WireCases: malformed requests, drawn from the service's own OpenAPI document and from bytes: wrong types, prototype
 * keys, odd Unicode, deep nesting, broken JSON, doubled headers, chopped and pipelined requests.
 *
 * Owns the generators; does not own what may be answered (WireFuzz).
 */
import * as Fc from "effect/FastCheck"

/** One case. `answers`: how many answers it should get when the server understands all of it. */
export interface WireCase {
  readonly pieces: ReadonlyArray<Buffer>
  readonly answers: number
  readonly isHead: boolean
  /** Whether the bytes are whole requests, framed as HTTP wants it, whatever else is wrong with them. */
  readonly isIntact: boolean
}

/** The part of an OpenAPI document that cases are drawn from. */
export interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Endpoint>>>>
}

interface Endpoint {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string }>
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>
  }
}

/** Valid values for a case, so that it passes the first checks. */
export interface Facts {
  readonly sessionId: string
  readonly token: string
}

const strange = [
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "",
    " ",
    "\u0000",
    "a\u0000b",
    "\ud800",
    "\uffff",
    "💥"
  ],
  ...["..", "../../etc/passwd", "%00", "%2e%2e", "%", "%zz", "a/b", "a\r\nX: y", "'; --", "1e999", "-0", "null", "NaN"],
  ...["a".repeat(64), "a".repeat(65), "a".repeat(300), "İ", "ﷺ".repeat(20), "Start", "Inventory", "Payment", "Error"]
]

const text = Fc.oneof(
  Fc.constantFrom(...strange),
  Fc.string({ maxLength: 40 }),
  Fc.fullUnicodeString({ maxLength: 20 })
)

const scalar = Fc.oneof(
  text,
  Fc.integer(),
  Fc.double(),
  Fc.boolean(),
  Fc.constant(null),
  Fc.constantFrom(Number.MAX_SAFE_INTEGER, -1, 0, 1.5, 2 ** 53, 1e300)
)

const anything = Fc.oneof({ weight: 6, arbitrary: scalar }, { weight: 1, arbitrary: Fc.jsonValue({ maxDepth: 3 }) })

const deep = Fc.integer({ min: 1, max: 3_000 }).chain((depth) =>
  Fc.constantFrom(
    "[".repeat(depth) + "]".repeat(depth),
    '{"a":'.repeat(depth),
    `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`
  )
)

/** A body with the names that an endpoint accepts, some with valid values. */
const bodyOf = (names: ReadonlyArray<string>, { sessionId }: Facts): Fc.Arbitrary<string> => {
  const right: Record<string, Fc.Arbitrary<unknown>> = {
    checkoutSessionId: Fc.constant(sessionId),
    expCurrentState: Fc.constantFrom("Start", "Inventory", "Taxes"),
    nextState: Fc.constantFrom("Start", "Inventory", "Taxes"),
    cartId: Fc.constantFrom("cart-0", "cart-1", "cart-99"),
    inputs: Fc.array(
      Fc.oneof(
        anything,
        Fc.record({
          checkoutSessionId: Fc.oneof(Fc.constant(sessionId), text),
          nextState: Fc.oneof(Fc.constantFrom("Inventory", "Taxes"), text),
          expCurrentState: Fc.oneof(Fc.constantFrom("Start", "Inventory", "Taxes"), text)
        })
      ),
      {
        maxLength: 5
      }
    )
  }
  // Well-formed bodies get as far as the rules.
  const sound = Fc.record(
    Object.fromEntries(names.filter((name) => name in right).map((name) => [name, right[name]!]))
  ).map((said) => JSON.stringify(said))
  const member = (name: string) => Fc.oneof(right[name] ?? anything, anything)
  const known = Fc.record(Object.fromEntries(names.map((name) => [name, member(name)])), { requiredKeys: [] })
  const json = Fc.tuple(known, Fc.dictionary(text, anything, { maxKeys: 2 }), Fc.boolean()).map(([a, b, more]) =>
    JSON.stringify(more ? { ...a, ...b } : a)
  )
  const proto = json.map((said) => said.replace("{", '{"__proto__":{"isAdmin":true},'))
  const broken = Fc.tuple(json, Fc.nat(), text).map(([said, at, noise]) => {
    const cut = at % (said.length + 1)
    return said.slice(0, cut) + noise + said.slice(cut + 1)
  })
  return Fc.oneof(
    { weight: 5, arbitrary: json },
    { weight: 3, arbitrary: sound },
    proto,
    broken,
    deep,
    Fc.constant(""),
    Fc.json(),
    text
  )
}

const contentTypes = [
  "application/json",
  "application/json; charset=utf-8",
  "text/plain",
  "application/json; charset=x",
  ""
]

const headerOf = (name: string): Fc.Arbitrary<string> =>
  Fc.constantFrom('"1"', "*", '"x"', 'W/"1"', "1", '"1","2"', "a".repeat(256), "é", "-1", "9".repeat(30)).map(
    (value) => `${name}: ${value}\r\n`
  )

const methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]

interface Head {
  readonly method: string
  readonly path: string
  readonly token: string
  readonly type: string
  readonly more: string
}

const bytesOf = ({ method, path, token, type, more }: Head, body: string): Buffer => {
  const length = Buffer.byteLength(body)
  const said = length === 0 && method !== "POST" ? "" : `content-length: ${length}\r\n`
  const announced = type === "" ? "" : `content-type: ${type}\r\n`
  const authorization = token === "" ? "" : `authorization: ${token}\r\n`
  return Buffer.from(`${method} ${path} HTTP/1.1\r\nhost: a\r\n${authorization}${announced}${more}${said}\r\n${body}`)
}

/** Requests to every endpoint of the contract. */
export const cases = (contract: Contract, facts: Facts): Fc.Arbitrary<WireCase> => {
  const endpoints = Object.entries(contract.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, endpoint]) => ({ path, method: method.toUpperCase(), endpoint }))
  )
  // Updates have their own listener, so they get as many cases as all other endpoints together.
  const updates = endpoints.filter(({ path }) => path.endsWith("/update") || path.includes("{action}"))
  const request = Fc.oneof(Fc.constantFrom(...endpoints), Fc.constantFrom(...updates)).chain(
    ({ path, method, endpoint }) => {
      const parameters = endpoint.parameters ?? []
      const names = Object.keys(endpoint.requestBody?.content["application/json"]?.schema.properties ?? {})
      return Fc.record({
        method: Fc.oneof({ weight: 12, arbitrary: Fc.constant(method) }, Fc.constantFrom(...methods)),
        path: pathOf(path, parameters, facts),
        token: Fc.oneof(
          { weight: 12, arbitrary: Fc.constant(`Bearer ${facts.token}`) },
          Fc.constantFrom(
            "",
            "Bearer",
            "Bearer x",
            "Basic eDp5",
            "Bearer eyJhbGciOiJub25lIn0.e30.",
            `bearer ${facts.token}`
          )
        ),
        type: Fc.oneof({ weight: 6, arbitrary: Fc.constant("application/json") }, Fc.constantFrom(...contentTypes)),
        more: headers(parameters),
        body: method === "POST" ? bodyOf(names, facts) : Fc.oneof({ weight: 5, arbitrary: Fc.constant("") }, text)
      })
    }
  )
  const whole = request.map(({ body, ...head }) => ({
    bytes: bytesOf(head, body),
    isHead: head.method === "HEAD",
    isIntact: false
  }))
  const one = whole.map(({ bytes, isHead }): WireCase => ({ pieces: [bytes], answers: 1, isHead, isIntact: true }))
  const chopped = Fc.tuple(whole, Fc.nat()).map(
    ([{ bytes, isHead }, at]): WireCase => ({
      pieces: [bytes.subarray(0, at % bytes.length), bytes.subarray(at % bytes.length)],
      ...{ answers: 1, isHead, isIntact: true }
    })
  )
  const pipelined = Fc.array(
    whole.filter(({ bytes, isHead }) => !isHead && !bytes.includes("/events")) /* Streams have no end to wait for. */,
    { minLength: 2, maxLength: 4 }
  ).map(
    (all): WireCase => ({
      pieces: [Buffer.concat(all.map(({ bytes }) => bytes))],
      answers: all.length,
      isHead: false,
      isIntact: true
    })
  )
  return Fc.oneof({ weight: 12, arbitrary: one }, chopped, pipelined, garbled(whole), noise)
}

const pathOf = (path: string, parameters: NonNullable<Endpoint["parameters"]>, { sessionId }: Facts) => {
  const filled = path.split(/(\{\w+\})/).map((part) => {
    if (!part.startsWith("{")) return Fc.constant(part)
    const right: Record<string, string> = {
      "{checkoutSessionId}": sessionId,
      "{version}": "v62.0",
      "{action}": "updateCheckoutSessionAction"
    }
    const odd = text.map(encoded)
    return Fc.oneof(
      { weight: 4, arbitrary: Fc.constant(right[part] ?? "x") },
      odd,
      Fc.constantFrom("%", "%zz", "%c0%af")
    )
  })
  const queries = parameters.filter((each) => each.in === "query").map(({ name }) => name)
  const query = Fc.oneof(
    { weight: 3, arbitrary: Fc.constant("") },
    Fc.tuple(Fc.constantFrom("q", ...queries), text).map(([name, value]) => `?${name}=${encoded(value)}`)
  )
  return Fc.tuple(Fc.tuple(...filled), query).map(([parts, asked]) => parts.join("") + asked)
}

/** A lone surrogate cannot be encoded, but its bytes can be sent. */
const encoded = (said: string): string =>
  encodeURIComponent(said.replaceAll(/\p{Surrogate}/gu, "")) + (/\p{Surrogate}/u.test(said) ? "%ED%A0%80" : "")

const headers = (parameters: NonNullable<Endpoint["parameters"]>): Fc.Arbitrary<string> => {
  const named = parameters.filter((each) => each.in === "header").map(({ name }) => headerOf(name))
  const odd = [headerOf("if-match"), headerOf("idempotency-key"), headerOf("authorization"), headerOf("x-odd")]
  return Fc.array(Fc.oneof(...named, ...odd), { maxLength: 2 }).map((all) => all.join(""))
}

/** A request with a few replaced bytes. */
const garbled = (whole: Fc.Arbitrary<{ readonly bytes: Buffer }>): Fc.Arbitrary<WireCase> =>
  Fc.tuple(whole, Fc.array(Fc.tuple(Fc.nat(), Fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 })).map(
    ([{ bytes }, changes]) => {
      const garbled = Buffer.from(bytes)
      for (const [at, value] of changes) garbled[at % garbled.length] = value
      return { pieces: [garbled], answers: 1, isHead: garbled.toString("latin1", 0, 4) === "HEAD", isIntact: false }
    }
  )

/** Bytes that are no request at all. */
const noise: Fc.Arbitrary<WireCase> = Fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => ({
  pieces: [Buffer.concat([bytes, Buffer.from("\r\n\r\n")])],
  ...{ answers: 1, isHead: false, isIntact: false }
}))
