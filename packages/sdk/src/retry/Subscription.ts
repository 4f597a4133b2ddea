/**
 * Subscription: follows a session and resumes when the connection or the service breaks.
 */
import type * as Caller from "@onelane/checkout/Caller"
import type * as CheckoutError from "@onelane/checkout/CheckoutError"
import type * as CheckoutSessions from "@onelane/checkout/CheckoutSessions"
import * as Subscription from "@onelane/checkout/Subscription"
import * as Backoff from "@onelane/client/backoff"
import { Race } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import { draining } from "../door/Result.js"
import * as Closing from "./Closing.js"
import * as Outcome from "./Outcome.js"
import * as Repetition from "./Repetition.js"

/** The service to follow sessions with, and the retry policy. */
export interface Following {
  readonly policy: Outcome.Policy
  readonly calls: CheckoutSessions.SessionCalls
  readonly closing: Closing.Closing
}

/**
 * Follows a session. After a break it resumes after the last version given; `policy.limit` counts breaks without a page
 * in between. When the service is closed, it fails with `draining`.
 */
export const follow = (
  following: Following,
  caller: Caller.Caller,
  input: CheckoutSessions.ChangesInput
): Subscription.Follow =>
  Effect.flatMap(Effect.runtime<never>(), (runtime) => {
    const { calls, closing, policy } = following
    const { afterVersion, checkoutSessionId } = input
    const resuming = (from: number) => new Resuming(following, runtime, caller, input, from)
    if (afterVersion !== undefined) return Effect.succeed(resuming(afterVersion))
    const look = Repetition.repeat(policy, Repetition.read, () => calls.get(caller, { checkoutSessionId }))
    return Effect.map(Race.first(Closing.until(closing), look), ({ version }) => resuming(version))
  })

type Failure = Exit.Exit<never, CheckoutError.HistoryError>

class Resuming implements Subscription.Subscription {
  private open: Subscription.Subscription | null = null
  private asked: Subscription.OnAnswer | null = null
  private attempt = 1
  /** The fiber that opens the next subscription, after a pause. */
  private opening: Fiber.RuntimeFiber<Subscription.Subscription, CheckoutError.HistoryError> | null = null
  private checking: Fiber.RuntimeFiber<void, CheckoutError.AccessError> | null = null
  private stopListening: (() => void) | null = null

  constructor(
    private readonly following: Following,
    private readonly runtime: Runtime.Runtime<never>,
    private readonly caller: Caller.Caller,
    private readonly input: CheckoutSessions.ChangesInput,
    private seen: number
  ) {}

  ask(onAnswer: Subscription.OnAnswer): void {
    this.stopListening ??= this.following.closing.listen(() => this.close())
    if (this.following.closing.isClosed()) return onAnswer(Exit.fail(draining))
    this.asked = onAnswer
    if (this.open !== null) this.open.ask(this.onAnswer)
    else if (this.opening === null) this.begin(null)
  }

  withdraw(): void {
    this.asked = null
    this.open?.withdraw()
  }

  check(onVerdict: Parameters<Subscription.Subscription["check"]>[0]): void {
    const { following, open, runtime } = this
    if (open === null) return onVerdict(Exit.void)
    open.check((verdict) => {
      const error = errorOf(verdict)
      if (error === null) return onVerdict(verdict)
      const again = Repetition.goOn(following.policy, Repetition.read, () => Subscription.check(open), [error])
      this.checking = Runtime.runFork(runtime)(Race.first(Closing.until(following.closing), again), {
        immediate: false
      })
      this.checking.addObserver(onVerdict)
    })
  }

  leave(): void {
    this.asked = null
    this.stopListening?.()
    this.stopListening = null
    this.opening?.unsafeInterruptAsFork(FiberId.none)
    this.checking?.unsafeInterruptAsFork(FiberId.none)
    this.drop()
  }

  private close(): void {
    const { asked } = this
    this.leave()
    asked?.(Exit.fail(draining))
  }

  private drop(): void {
    this.open?.leave()
    this.open = null
  }

  private begin(pause: Effect.Effect<void> | null): void {
    const { caller, following, input, runtime } = this
    const follow = Effect.suspend(() => following.calls.follow(caller, { ...input, afterVersion: this.seen }))
    // Uses the scheduler of the runtime, which starts it in the async context of the iteration.
    const opening = Runtime.runFork(runtime)(pause === null ? follow : Effect.zipRight(pause, follow), {
      immediate: false
    })
    this.opening = opening
    opening.addObserver((exit) => {
      this.opening = null
      if (Exit.isFailure(exit)) return this.broken(Exit.failCause(exit.cause))
      this.open = exit.value
      if (this.asked !== null) exit.value.ask(this.onAnswer)
    })
  }

  private readonly onAnswer: Subscription.OnAnswer = (answer) => {
    if (Exit.isFailure(answer)) return this.broken(Exit.failCause(answer.cause))
    if (answer.value !== null) this.seen = answer.value.version
    this.attempt = 1
    this.answer(answer)
  }

  private broken(failure: Failure): void {
    const { policy } = this.following
    const error = errorOf(failure)
    this.drop()
    if (error === null || this.attempt > policy.limit || !Outcome.mayResume(policy, error)) return this.answer(failure)
    const retryAfterMillis = Outcome.isUndecided(error) ? error.retryAfterMillis : 0
    const pause = Effect.flatMap(Random.next, (jitter) =>
      Effect.sleep(Backoff.pauseMillis(policy, this.attempt++, jitter, retryAfterMillis))
    )
    this.begin(pause)
  }

  private answer(answer: Subscription.Answer): void {
    const { asked } = this
    this.asked = null
    asked?.(answer)
  }
}

const errorOf = <E>(exit: Exit.Exit<unknown, E>): E | null =>
  exit._tag === "Failure" && exit.cause._tag === "Fail" ? exit.cause.error : null
