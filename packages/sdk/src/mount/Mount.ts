/**
 * Mount: a checkout of `open` behind the HTTP core, for the server of a host. The core is that of `onelane serve`: this
 * file adds authentication, the async context of a request, and closing.
 *
 * When it closes, it refuses new requests, ends its event streams and waits, and still answers running requests.
 */
import * as Changes from "@onelane/checkout/Changes"
import * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import { AsyncContext, Race } from "@onelane/engine"
import { Authentication, CheckoutServer, type HttpCore, Mounting } from "@onelane/http"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import * as Mountable from "../door/Mountable.js"
import * as HostContext from "../open/HostContext.js"
import * as HostCallers from "./HostCallers.js"
import * as MountOptions from "./MountOptions.js"

/** A mounted checkout, for an adapter. */
export interface Mount {
  readonly core: HttpCore
  readonly mounting: Mounting.Mounting
  /** Closes it; calling it again waits for the same end. The checkout stays open. */
  readonly close: () => Promise<void>
}

/**
 * Mounts a checkout. `where`: the function that the host called.
 *
 * **Errors**: a `TypeError` for a checkout that `open` did not give, that acts for one user (`as`), or that is closed;
 * and for a wrong option.
 */
export const make = <R>(where: string, checkout: unknown, options: MountOptions.MountOptions<R>): Mount => {
  const mountable = Mountable.of(checkout)
  if (mountable === null) {
    throw new TypeError(
      `${where}: the checkout must be what Onelane.open gave; one of Onelane.connect or as(…) acts for one user, whoever calls`
    )
  }
  const given = MountOptions.take(where, options)
  const { behind } = mountable
  if (behind.closed()) throw new TypeError(`${where}: the checkout is closed`)
  const run = Runtime.runSync(behind.runtime)
  const scope = run(Scope.make())
  const ending = run(Deferred.make<void>())
  let isClosing = false
  const counted = countedCore(
    run(
      Scope.extend(
        coreOf(mountable, given, ending, () => isClosing),
        scope
      )
    )
  )
  let closing: Promise<void> | undefined
  const end = async (): Promise<void> => {
    forget()
    await Runtime.runPromise(behind.runtime)(
      Scope.close(scope, Exit.void).pipe(
        Effect.zipRight(Deferred.succeed(ending, undefined)),
        Effect.zipRight(Effect.timeoutOption(counted.idle, given.closeMillis ?? MountOptions.closeMillis))
      )
    )
  }
  const close = (): Promise<void> => {
    isClosing = true
    closing ??= end()
    return closing
  }
  const forget = behind.onClose(close)
  return { core: counted.core, mounting: mountingOf(mountable, given), close }
}

const coreOf = <R>(
  { engine }: Mountable.Mountable,
  given: MountOptions.MountOptions<R>,
  ending: Deferred.Deferred<void>,
  isClosing: () => boolean
): Effect.Effect<HttpCore, never, Scope.Scope> => {
  const { authenticate, corsOrigins, limits, logRequests } = given
  return Effect.flatMap(HostCallers.make(authenticate), (authentication) =>
    CheckoutServer.core({
      flow: engine.flow,
      limits,
      corsOrigins,
      logRequests,
      isClosing,
      startUpdate: engine.startUpdate
    }).pipe(
      Effect.provide(
        Context.make(CheckoutSessions.CheckoutSessions, Changes.withStreams(untilEnd(engine.calls, ending))).pipe(
          Context.add(Authentication.Authentication, authentication)
        )
      )
    )
  )
}

/** The same calls; a wait ends when the mount closes, with the current session as the answer. */
const untilEnd = (
  calls: CheckoutSessions.SessionCalls,
  ending: Deferred.Deferred<void>
): CheckoutSessions.SessionCalls => ({
  ...calls,
  get: (caller, input, wait) =>
    wait === undefined
      ? calls.get(caller, input)
      : Race.first(
          calls.get(caller, input, wait),
          Effect.zipRight(
            Deferred.await(ending),
            Effect.suspend(() => calls.get(caller, input))
          )
        )
})

const mountingOf = ({ behind }: Mountable.Mountable, paths: Mounting.Paths): Mounting.Mounting => ({
  place: Mounting.place(paths),
  context: () => {
    const run = HostContext.capture()
    return { run, forkOptions: AsyncContext.optionsOf(run, behind.runtime) }
  }
})

/** A core, and its unanswered requests. */
interface Counted {
  readonly core: HttpCore
  /** Completes when there are none. */
  readonly idle: Effect.Effect<void>
}

const countedCore = (core: HttpCore): Counted => {
  let count = 0
  let onIdle: (() => void) | null = null
  const once = (): (() => void) => {
    let isOver = false
    count += 1
    return () => {
      if (isOver) return
      isOver = true
      count -= 1
      if (count === 0) onIdle?.()
    }
  }
  return {
    core: (request, onAnswer) => {
      const over = once()
      const leave = core(request, (answer) => {
        onAnswer(answer)
        over()
      })
      return () => {
        leave()
        over()
      }
    },
    idle: Effect.async((resume) => {
      if (count === 0) return resume(Effect.void)
      onIdle = () => resume(Effect.void)
    })
  }
}
