/**
 * Admin: what operators ask the server, `POST /admin/v1/{operation}`: the list, one session with its refused attempts,
 * the flow and the counters of the engine.
 */
import type { Result } from "@onelane/client"
import { type Api, learn } from "./Api.js"
import type { Counts, Flow, Inspected, ListInput, ListPage, Stats } from "./Contract.js"

export type * from "./Contract.js"

const ask = async <A>(api: Api, operation: string, input: object, signal: AbortSignal): Promise<Result<A>> =>
  learn((await api.ask(`/admin/v1/${operation}`, input, signal)) as Result<A>, api.token)

/** A page of sessions, those that need attention first. */
export const list = (api: Api, input: ListInput, signal: AbortSignal): Promise<Result<ListPage>> =>
  ask(api, "sessions.list", input, signal)

/** How many there are of each kind. */
export const counts = (api: Api, stuckMillis: number, signal: AbortSignal): Promise<Result<Counts>> =>
  ask(api, "sessions.counts", { stuckMillis }, signal)

/** One session, its operation and its refused attempts. */
export const inspect = (api: Api, checkoutSessionId: string, signal: AbortSignal): Promise<Result<Inspected>> =>
  ask(api, "sessions.inspect", { checkoutSessionId }, signal)

/** The flow. */
export const flow = (api: Api, signal: AbortSignal): Promise<Result<Flow>> => ask(api, "engine.flow", {}, signal)

/** The counters of the node that answers. */
export const stats = (api: Api, signal: AbortSignal): Promise<Result<Stats>> => ask(api, "engine.stats", {}, signal)
