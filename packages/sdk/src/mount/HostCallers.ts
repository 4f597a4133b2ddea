/**
 * HostCallers: identifies callers with a host's `authenticate`. Its answer is validated. A failure is logged and not
 * shown to the client.
 */
import type * as Access from "@onelane/checkout/Access"
import * as Caller from "@onelane/checkout/Caller"
import { RareLog } from "@onelane/engine"
import { AdapterError, type Authentication, type WireRequest } from "@onelane/http"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import * as Options from "../open/Options.js"
import type { Identified } from "./MountOptions.js"

/** How long `authenticate` may take, milliseconds. */
const askMillis = 5_000

const callerParts: Options.Options<Caller.Caller> = {
  userId: Options.text,
  roles: Options.roles,
  actingAccountId: { is: "text or null", check: (value) => value === null || typeof value === "string", required: true }
}

type Found = Exit.Exit<Caller.Caller, AdapterError.AdapterError | Access.PortUnavailable>

const isSame = (one: Caller.Caller, other: Caller.Caller): boolean =>
  one.userId === other.userId &&
  one.actingAccountId === other.actingAccountId &&
  one.roles.length === other.roles.length &&
  one.roles.every((role) => other.roles.includes(role))

const unknown: Found = Exit.fail(AdapterError.callerUnknown)

const changed: Found = Exit.fail(AdapterError.tokenRefused(false))

/** The authentication of a host. */
export const make = <R>(
  authenticate: (request: R) => Identified | PromiseLike<Identified>
): Effect.Effect<Authentication.AuthenticationShape> =>
  Effect.map(RareLog.make, (log) => {
    const unavailable = (cause: unknown): Access.PortUnavailable => {
      log("authenticate of the host gave no answer", {}, cause)
      return { _tag: "PortUnavailable", port: "authenticate", cause }
    }
    // The first caller of each request: a stream continues only for the same caller.
    const firsts = new WeakMap<object, Caller.Caller>()
    const take = (request: WireRequest.WireRequest, answer: Identified): Found => {
      if (answer === null || answer === undefined) return unknown
      try {
        const { userId, roles, actingAccountId = null } = answer
        const given = Options.copyOf({ userId, roles, actingAccountId })
        Options.check("authenticate", given, callerParts)
        const caller = Caller.frozen(given)
        const first = firsts.get(request)
        if (first === undefined) firsts.set(request, caller)
        return first === undefined || isSame(first, caller) ? Exit.succeed(caller) : changed
      } catch (cause) {
        return Exit.fail(unavailable(cause))
      }
    }
    const identify = (request: WireRequest.WireRequest): Effect.Effect<Caller.Caller, Effect.Effect.Error<Found>> => {
      const { request: host, run } = request.mounted!
      try {
        const answer = run(() => authenticate(host as R))
        if (!Predicate.isPromiseLike(answer)) return take(request, answer)
        return Effect.tryPromise({ try: () => answer, catch: unavailable }).pipe(
          Effect.timeoutFail({
            duration: askMillis,
            onTimeout: () => unavailable(new Error(`authenticate took more than ${askMillis} ms`))
          }),
          Effect.flatMap((answered) => take(request, answered))
        )
      } catch (cause) {
        return Exit.fail(unavailable(cause))
      }
    }
    return { identify, authenticate: () => Exit.fail(unavailable(new Error("a request without its host"))) }
  })
