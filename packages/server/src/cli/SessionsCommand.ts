/**
 * SessionsCommand: `onelane sessions`: list, show, watch and cancel sessions, release claims, delete old sessions.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { CheckoutSession, Flow } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Admin from "../operations/Admin.js"
import * as FlowOption from "./FlowOption.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

const id = Args.withDescription(Args.text({ name: "session" }), "The id of a session")

const refuse = ({ message }: { readonly message: string }) => Target.refused(message)

const iso = <S extends Omit<CheckoutSession.CheckoutSession, "data">>(session: S) => ({
  ...session,
  createdAt: Output.instant(session.createdAt),
  updatedAt: Output.instant(session.updatedAt),
  expiresAt: Output.instant(session.expiresAt)
})

const listed = ({ data, ...session }: CheckoutSession.CheckoutSession): Output.Row => ({
  ...iso(session),
  data: data === null ? null : JSON.stringify(data)
})

type Listed = NonNullable<Admin.Out<"sessions.list">["sessions"]>[number]

const jsonOf = ({ operation, ...session }: Listed) => ({
  ...session,
  createdAt: Output.instant(session.createdAt),
  updatedAt: Output.instant(session.updatedAt),
  operation: operation && {
    ...operation,
    claimedAt: Output.instant(operation.claimedAt),
    deadlineAt: Output.instant(operation.deadlineAt)
  }
})

const shortOf = (session: Listed): Output.Row => ({
  session: session.checkoutSessionId,
  state: session.isArchived ? `${session.state} (archived)` : session.state,
  status: session.status,
  next: session.operation?.nextState ?? null,
  by: session.operation?.by ?? null,
  version: session.version,
  cart: session.cartId,
  updated: Output.instant(session.updatedAt)
})

const entryOf = (entry: CheckoutSession.HistoryEntry) => ({ ...entry, at: Output.instant(entry.at) })

const lineOf = ({ at, by, from, orderId, reason, to, type, version }: CheckoutSession.HistoryEntry): Output.Row => ({
  version,
  at: Output.instant(at),
  what: type,
  from,
  to,
  by,
  order: orderId,
  reason
})

const list = Command.make(
  "list",
  {
    ...Target.options,
    json: Output.json,
    limit: Options.integer("limit").pipe(
      Options.withDescription("Sessions per page, 1 to 1,000"),
      Options.withDefault(100)
    ),
    after: Options.text("after").pipe(Options.withDescription("Continue after this session"), Options.withDefault("")),
    archived: Options.withDescription(Options.boolean("archived"), "Include finished and cancelled sessions"),
    only: Options.choice("only", ["failed", "stuck", "running", "archived"]).pipe(
      Options.withDescription("Sessions of one kind; stuck: a task runs, and nothing has changed for a minute"),
      Options.optional
    ),
    search: Options.text("search").pipe(
      Options.withDescription("Sessions whose id, or the id of whose cart, begins with this text"),
      Options.optional
    )
  },
  ({ after, archived, json, limit, only, search, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const admin = yield* Target.admin(target)
        const wanted = { only: Option.getOrUndefined(only), search: Option.getOrUndefined(search) }
        const page = yield* admin.call("sessions.list", { after, archived, limit, ...wanted })
        const { next } = page
        const sessions = page.sessions ?? []
        yield* Output.show(json, { sessions: sessions.map(jsonOf), next }, () =>
          Output.table(sessions.map(shortOf), "no sessions")
        )
        if (next !== null) yield* Output.note(json, `more: --after ${next}`)
      })
    )
).pipe(Command.withDescription("List sessions, a page at a time."))

const show = Command.make("show", { ...Target.options, json: Output.json, id }, ({ id, json, ...target }) =>
  Target.run(
    Effect.gen(function* () {
      const sessions = yield* Target.sessions(target)
      const named = { checkoutSessionId: id }
      const session = yield* Effect.mapError(sessions.get(Target.caller, named), refuse)
      const history = yield* Effect.mapError(sessions.history(Target.caller, { ...named, limit: 1_000 }), refuse)
      yield* Output.show(
        json,
        { session: iso(session), history: history.map(entryOf) },
        () => `${Output.list(listed(session))}\n\n${Output.table(history.map(lineOf), "no history")}`
      )
    })
  )
).pipe(Command.withDescription("Show a session and its history."))

const watch = Command.make(
  "watch",
  {
    ...Target.options,
    json: Output.json,
    after: Options.integer("after").pipe(
      Options.withDescription("Start after this version; 0 for the whole history"),
      Options.optional
    ),
    id
  },
  ({ after, id, json, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        if (Option.isNone(target.url)) {
          return yield* Effect.fail(Target.refused("`sessions watch` needs a running server: pass --url and --token"))
        }
        const sessions = yield* Target.sessions(target)
        const input = { checkoutSessionId: id, afterVersion: Option.getOrUndefined(after) }
        yield* sessions.changes(Target.caller, input).pipe(
          Stream.mapError(refuse),
          Stream.runForEach((entry) =>
            Output.show(json, entryOf(entry), () =>
              [entry.version, Output.instant(entry.at), entry.type, entry.from ?? "-", "→", entry.to ?? "-"].join("  ")
            )
          )
        )
      })
    )
).pipe(Command.withDescription("Watch a session: one line per change, until it is archived."))

const cancel = Command.make("cancel", { ...Target.options, json: Output.json, id }, ({ id, json, ...target }) =>
  Target.run(
    Effect.gen(function* () {
      const sessions = yield* Target.sessions(target)
      const done = yield* Effect.mapError(sessions.cancel(Target.caller, { checkoutSessionId: id }), refuse)
      yield* Output.show(
        json,
        { session: done.session === null ? null : iso(done.session) },
        () => `cancelled ${id}, its cart is free`
      )
    })
  )
).pipe(Command.withDescription("Cancel a session: it is archived, and its cart is free."))

const release = Command.make(
  "release",
  {
    ...Target.options,
    json: Output.json,
    operation: Options.text("operation").pipe(
      Options.withDescription("The claim to release; default: the running one"),
      Options.optional
    ),
    reason: Options.text("reason").pipe(
      Options.withDescription("The reason, for the history"),
      Options.withDefault("released by an operator")
    ),
    id
  },
  ({ id, json, operation, reason, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const sessions = yield* Target.sessions(target)
        const named = { checkoutSessionId: id }
        const running = yield* Effect.mapError(sessions.get(Target.caller, named), refuse)
        const operationId = Option.getOrElse(operation, () => running.operationId)
        if (operationId === null) return yield* Effect.fail(Target.refused(`nothing runs in ${id}`))
        const done = yield* Effect.mapError(
          sessions.releaseClaim(Target.caller, { ...named, operationId, reason }),
          refuse
        )
        yield* Output.show(json, { session: iso(done.session) }, () => `released ${id}, it is in ${done.session.state}`)
      })
    )
).pipe(Command.withDescription("Release the claim of a session whose task hangs; a late result is refused."))

const move = Command.make(
  "move",
  {
    ...Target.options,
    json: Output.json,
    to: Options.text("to").pipe(Options.withPseudoName("state"), Options.withDescription("A state of the flow")),
    reason: Options.text("reason").pipe(
      Options.withDescription("Why, for the history"),
      Options.withDefault("moved by an operator")
    ),
    flow: Options.optional(FlowOption.text),
    id
  },
  ({ flow: name, id, json, reason, to, ...target }) => {
    if (Option.isNone(target.url) && Option.isNone(name))
      return Target.misused("on a storage, --flow says which states there are: a preset, or the module of your flow")
    const loaded: Effect.Effect<Flow.Flow | undefined, string> =
      Option.isSome(target.url) || Option.isNone(name) ? Effect.succeed(undefined) : FlowOption.load(name.value)
    return Effect.matchEffect(loaded, {
      onFailure: Target.misused,
      onSuccess: (flow) =>
        Target.run(
          Effect.gen(function* () {
            const sessions = yield* Target.sessions(target, flow)
            const input = { checkoutSessionId: id, state: to, reason }
            const { session } = yield* Effect.mapError(sessions.move(Target.caller, input), refuse)
            yield* Output.show(json, { session: iso(session) }, () => `moved ${id}, it is in ${session.state}`)
          })
        )
    })
  }
).pipe(Command.withDescription("Move a session that has no way on to a state of the flow."))

const prune = Command.make(
  "prune",
  {
    ...Target.options,
    json: Output.json,
    archivedBefore: Options.date("archived-before").pipe(
      Options.withDescription("Sessions that were archived before this date, such as 2026-01-31 (UTC)")
    ),
    keepCompleted: Options.boolean("keep-completed").pipe(
      Options.withDescription(
        "Let carts remember the order that completed them, so that it is not ordered again by accident"
      )
    )
  },
  ({ archivedBefore, json, keepCompleted, ...target }) =>
    Target.run(
      Effect.gen(function* () {
        const admin = yield* Target.admin(target)
        const { pruned } = yield* admin.call("sessions.prune", {
          archivedBefore: archivedBefore.toISOString(),
          keepCompleted
        })
        yield* Output.show(json, { pruned }, () => `deleted ${pruned} archived sessions and their history`)
      })
    )
).pipe(Command.withDescription("Delete archived sessions and their history."))

/** `onelane sessions`. */
export const sessions = Command.make("sessions").pipe(
  Command.withDescription("List, show, watch, cancel and move sessions; release claims; delete old sessions."),
  Command.withSubcommands([list, show, watch, cancel, release, move, prune])
)
