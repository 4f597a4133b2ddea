/**
 * Access: callers with signed tokens request random sessions of a real server while its directory changes. Answers are
 * compared with an independent model of the contract (AccessModel). The answer for an invisible session must equal that
 * for a missing one, byte for byte; that for a forged token must equal that for a made-up one. Source: TARGETS F8.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { Caller } from "@onelane/checkout"
import * as Seeded from "@onelane/testing/Seeded"
import { Clock, Effect, type Scope } from "effect"
import * as Model from "../clients/AccessModel.js"
import * as Questions from "../clients/AccessQuestions.js"
import * as Forgeries from "../clients/Forgeries.js"
import * as RawClient from "../clients/RawClient.js"
import type { Instrument } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import * as Program from "../processes/Program.js"

/** A run. */
export interface AccessOptions {
  readonly seed: number
  /** Worlds at least; each is a directory of its own. */
  readonly worlds: number
  /** Continues with further worlds for this long. Default 0. */
  readonly millis?: number | undefined
  readonly progress?: ((line: string) => void) | undefined
  /**
   * A planted fault: unrecorded members, a stolen key of the issuer, or carts whose new owner the server is not told.
   */
  readonly planted?: "membership" | "key" | "ownership" | undefined
}

/** The result. `answers`: counts of the expected answers. */
export interface AccessOutcome {
  readonly worlds: number
  readonly questions: number
  readonly forged: number
  readonly answers: ReadonlyMap<string, number>
  readonly problems: ReadonlyArray<string>
}

const questionsAWorld = 400
const operator: Model.Person = { userId: "operator", roles: ["modify-all-data"], acting: null }
const mostTold = 10

interface Server {
  readonly ask: (token: string, request: Questions.Request) => Effect.Effect<Questions.Answer>
  readonly signer: Forgeries.Signer
  readonly stranger: Forgeries.Signer
}

/** A directory with its callers and sessions; `book`: its present content, `held`: the present owners of the carts. */
interface World {
  readonly stores: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<string>
  readonly people: ReadonlyArray<Model.Person>
  readonly held: Array<Model.Held>
  readonly missing: string
  readonly book: {
    readonly granted: Map<string, ReadonlyArray<Caller.Role>>
    readonly activeAccounts: Set<string>
    readonly accountMembers: Set<string>
    readonly storeMembers: Set<string>
  }
}

interface Course {
  readonly server: Server
  readonly seeded: Seeded.Seeded
  readonly answers: Map<string, number>
  readonly problems: Array<string>
  forged: number
  questions: number
}

/** One server, world after world. */
export const run = ({ millis = 0, planted, progress, seed, worlds }: AccessOptions): Effect.Effect<AccessOutcome> =>
  Effect.gen(function* () {
    const server = yield* start(planted === "key")
    const seeded = Seeded.make(seed)
    const course: Course = { server, seeded, answers: new Map(), problems: [], forged: 0, questions: 0 }
    const untilMillis = (yield* Clock.currentTimeMillis) + millis
    let made = 0
    while (made < worlds || (yield* Clock.currentTimeMillis) < untilMillis) {
      const world = draw(seeded, `w${made++}`)
      yield* fill(server, world)
      if (planted === "membership") yield* plant(server, world)
      const moves = planted !== "ownership"
      for (let asked = 0; asked < questionsAWorld; asked++) yield* step(course, world, moves)
      if (made % 20 === 0)
        progress?.(`${made} worlds, ${course.questions} questions, ${course.problems.length} problems`)
    }
    const { answers, forged, problems, questions } = course
    return { worlds: made, questions, forged, answers, problems }
  }).pipe(Effect.scoped)

const start = (isKeyStolen: boolean): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function* () {
    const signer = Forgeries.makeSigner()
    const stranger = isKeyStolen ? signer : Forgeries.makeSigner()
    const keyFile = join(yield* Folder.make(), "keys.pem")
    writeFileSync(keyFile, signer.publicPem)
    const jwt = JSON.stringify({ issuer: Forgeries.issuer, audience: [Forgeries.audience], keyFile })
    const program = yield* Program.node([
      ...[Program.onelane, "serve", "--port", "0", "--storage", ":memory:", "--jwt", jwt]
    ])
    const line = yield* Effect.orDieWith(program.firstLine, ({ stderr }) => new Error(stderr))
    const client = yield* RawClient.open(Number(new URL((JSON.parse(line) as { readonly url: string }).url).port))
    const ask: Server["ask"] = (token, [method, path, body]) =>
      Effect.map(client.ask(RawClient.request(method, path, token, body)), (answer) => {
        if (answer === null) return { status: 0, headers: [], text: "" }
        const headers = Object.entries(answer.headers).filter(([name]) => name !== "date")
        return { status: answer.status, headers, text: answer.body }
      })
    return { ask, signer, stranger }
  })

const each = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

/** A world; everything is allowed in it yet, so that its sessions can be opened. */
const draw = (seeded: Seeded.Seeded, name: string): World => {
  const stores = each(seeded.between(1, 3), (index) => `${name}-store-${index}`)
  const accounts = each(seeded.between(2, 4), (index) => `${name}-account-${index}`)
  const users = each(seeded.between(4, 8), (index) => `${name}-user-${index}`)
  const people = each(20, () => ({
    userId: seeded.pick(users),
    roles: Caller.roles.filter(() => seeded.chance(0.35)),
    acting: seeded.chance(0.5) ? null : seeded.pick(accounts)
  }))
  const held = [
    ...each(8, (index) => {
      const id = `${name}-session-${index}`
      const ownerId = seeded.pick(users)
      return {
        id,
        cartId: Questions.cartOf(id),
        storeId: seeded.pick(stores),
        accountId: seeded.pick(accounts),
        ownerId
      }
    })
  ]
  const storeMembers = new Set(stores.flatMap((store) => accounts.map((account) => Model.pair(store, account))))
  const book = {
    granted: new Map(),
    activeAccounts: new Set(accounts),
    accountMembers: new Set<string>(),
    storeMembers
  }
  for (const user of users) book.granted.set(user, [])
  return { stores, accounts, people, held, missing: `${name}-session-none`, book }
}

const administer = ({ ask, signer }: Server, name: string, body: object): Effect.Effect<Questions.Answer> =>
  Effect.filterOrDieMessage(
    ask(Forgeries.tokenOf(signer, operator), ["POST", `/admin/v1/${name}`, body]),
    ({ status }) => status === 200,
    `the operator may not ${name}`
  )

const fill = (server: Server, { accounts, book, held, stores }: World) =>
  Effect.gen(function* () {
    for (const id of book.granted.keys()) yield* administer(server, "users.put", { id })
    for (const id of accounts) yield* administer(server, "accounts.put", { id })
    for (const id of stores) yield* administer(server, "stores.put", { id })
    for (const storeId of stores)
      for (const accountId of accounts) yield* administer(server, "store-members.put", { storeId, accountId })
    const token = Forgeries.tokenOf(server.signer, operator)
    for (const { accountId, cartId, id, ownerId, storeId } of held) {
      yield* administer(server, "carts.put", { id: cartId, storeId, accountId, ownerId })
      yield* server.ask(token, ["POST", "/v1/checkout-sessions", { cartId, checkoutSessionId: id }])
    }
  })

/** Adds memberships that `book` does not contain. */
const plant = (server: Server, { accounts, book }: World) =>
  Effect.forEach(accounts, (accountId) =>
    Effect.forEach(book.granted.keys(), (userId) => administer(server, "account-members.put", { accountId, userId }))
  )

/** A change of the directory, a forged token, or (mostly) a question. */
const step = (course: Course, world: World, moves: boolean): Effect.Effect<void> => {
  const drawn = course.seeded.below(100)
  if (drawn < 12) return change(course, world)
  if (drawn < 15) return handOver(course, world, moves)
  return drawn < 22 ? forge(course, world) : ask(course, world)
}

const change = ({ seeded, server }: Course, { accounts, book, stores }: World) => {
  const accountId = seeded.pick(accounts)
  const userId = seeded.pick([...book.granted.keys()])
  switch (seeded.below(5)) {
    case 0: {
      const active = toggled(book.activeAccounts, accountId)
      return administer(server, "accounts.put", { id: accountId, active })
    }
    case 1: {
      const storeId = seeded.pick(stores)
      const isMember = toggled(book.storeMembers, Model.pair(storeId, accountId))
      return administer(server, `store-members.${isMember ? "put" : "remove"}`, { storeId, accountId })
    }
    case 2: {
      const roles = Caller.roles.filter(() => seeded.chance(0.2))
      book.granted.set(userId, roles)
      return administer(server, "users.put", { id: userId, roles })
    }
    default: {
      const isMember = toggled(book.accountMembers, Model.pair(accountId, userId))
      return administer(server, `account-members.${isMember ? "put" : "remove"}`, { accountId, userId })
    }
  }
}

/**
 * A cart gets another owner, account and store: a login, or an account switch. `tells` false: the server is not told.
 */
const handOver = ({ seeded, server }: Course, { accounts, book, held, stores }: World, tells: boolean) => {
  const index = seeded.below(held.length)
  const { cartId, id } = held[index]!
  const [storeId, accountId] = [seeded.pick(stores), seeded.pick(accounts)]
  const ownerId = seeded.pick([...book.granted.keys()])
  held[index] = { id, cartId, storeId, accountId, ownerId }
  return tells ? administer(server, "carts.put", { id: cartId, storeId, accountId, ownerId }) : Effect.void
}

/** Adds a missing member or removes an existing one; true if it was added. */
const toggled = (of: Set<string>, member: string): boolean => {
  if (of.delete(member)) return false
  of.add(member)
  return true
}

const report = ({ problems }: Course, problem: string): void => {
  if (problems.length < mostTold) problems.push(problem)
}

/** Forgeries whose only fault is the time: expired or not yet valid. */
const passing: ReadonlyArray<string> = ["expired", "not yet valid"]

const forge = (course: Course, { held, people }: World) =>
  Effect.gen(function* () {
    const { seeded, server } = course
    const kind = seeded.pick(Object.keys(Forgeries.forgeries))
    const person = seeded.chance(0.3) ? operator : seeded.pick(people)
    const request = seeded.pick(Questions.questions).request(seeded.pick(held).id)
    // All are answered alike, but for those of our own that may yet be valid: these are as one that is expired.
    const made = passing.includes(kind)
      ? [yield* server.ask(Forgeries.forgeries.expired!(server.signer, operator, server.stranger), request)]
      : [yield* server.ask("eyJ.e30.e30", request), yield* server.ask("any-other-text", request)]
    const answer = yield* server.ask(Forgeries.forgeries[kind]!(server.signer, person, server.stranger), request)
    course.forged += 1
    if (made.some(({ status }) => status !== 401)) report(course, "made-up tokens are not answered 401")
    if (!made.some((each) => isSame(answer, each)))
      report(course, `a token ${kind} is answered ${answer.status} ${answer.text}`)
  })

const isSame = (one: Questions.Answer, other: Questions.Answer): boolean =>
  JSON.stringify([one.status, one.headers, one.text]) === JSON.stringify([other.status, other.headers, other.text])

const ask = (course: Course, world: World) =>
  Effect.gen(function* () {
    const { answers, seeded, server } = course
    const { accounts, book, held, missing, people, stores } = world
    const person = seeded.pick(people)
    const session = seeded.pick(held)
    const token = Forgeries.tokenOf(server.signer, person)
    const isAction = seeded.chance(0.1)
    const question = seeded.pick(Questions.questions)
    const asked = isAction ? "update" : question.asked
    const request = isAction ? Questions.actionRequest : question.request
    const later = isAction ? "ExpectedStateMismatch" : question.later
    const answer = yield* server.ask(token, request(session.id))
    const refusal = Model.expected(book, person, asked, session)
    const tag = isAction ? Questions.reasons[refusal ?? later!]! : (refusal ?? later)
    const about = `${JSON.stringify(person)} ${isAction ? "action" : question.name} ${JSON.stringify(session)}`
    course.questions += 1
    answers.set(refusal ?? "allowed", (answers.get(refusal ?? "allowed") ?? 0) + 1)
    if (tagOf(answer) !== tag) report(course, `${about}: ${answer.status} ${answer.text}, not ${tag}`)
    if (refusal === null) return
    for (const leak of Questions.leaks(answer, session, [...accounts, ...stores])) report(course, `${about}: ${leak}`)
    if (refusal !== "SessionInaccessible") return
    const toMissing = yield* server.ask(token, request(missing))
    if (!isSame(answer, toMissing))
      report(course, `${about}: a missing one is told from it: ${JSON.stringify([answer, toMissing])}`)
  })

/** The tag of a problem, the reason of an action; null: it succeeded. */
const tagOf = ({ text }: Questions.Answer): string | null => {
  try {
    const said = JSON.parse(text)
    return (Array.isArray(said) ? said[0].reason : said._tag) ?? null
  } catch {
    return "no JSON"
  }
}

/** F8. */
export const instrument: Instrument = {
  name: "access",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      const outcome = yield* run({ seed, worlds: short ? 3 : 20, millis: short ? 0 : minutes * 60_000, progress })
      const { answers, forged, problems, questions, worlds } = outcome
      const never = [...Model.refusals, "allowed"].filter((each) => !answers.has(each))
      const counts = [...answers].sort().map(([answer, count]) => `${answer}: ${count}`)
      return {
        cases: questions + forged,
        failures: [...problems, ...never.map((each) => `nobody was ever answered ${each}`)],
        notes: [`${worlds} directories; ${counts.join(", ")}; ${forged} forged tokens`]
      }
    })
}
