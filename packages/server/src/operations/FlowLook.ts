/**
 * FlowLook: checks every stored session against a flow (`FlowCheck`) before the flow is deployed. Reads committed
 * states a page at a time and changes nothing, so servers on PostgreSQL may run meanwhile; a file must not be in use.
 */
import { type Flow, FlowCheck } from "@onelane/checkout"
import { JournalSql, Migrations, SessionList } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ending from "../serve/Ending.js"
import * as Store from "../serve/Store.js"

/** The report. Fails with one sentence if there is none. */
export const look = (storage: string, flow: Flow.Flow): Effect.Effect<FlowCheck.FlowReport, string> =>
  reading(flow).pipe(
    Effect.provide(Store.client(storage)),
    Effect.mapError((error) => (typeof error === "string" ? error : Ending.sentenceOf(error)))
  )

const reading = (flow: Flow.Flow) =>
  Effect.gen(function* () {
    if ((yield* Migrations.current) === 0) return yield* Effect.fail("there are no sessions: the storage has no tables")
    const nowMillis = (yield* JournalSql.timeMillis) ?? (yield* Clock.currentTimeMillis)
    const check = FlowCheck.make(flow, nowMillis)
    let after: string | null = ""
    while (after !== null) {
      const page: SessionList.StoredPage = yield* SessionList.stored(after)
      for (const { id, state } of page.found) yield* added(check, id, state)
      after = page.next
    }
    return check.report()
  })

const added = (check: FlowCheck.FlowCheck, id: string, state: string): Effect.Effect<void, string> =>
  Effect.try({
    try: () => check.add(JSON.parse(state)),
    catch: (cause) => `session ${id} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
  })
