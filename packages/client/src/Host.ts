/**
 * Host: the same client with the calls of those who run tasks, and of operators: `@onelane/client/host`. A shopper's browser has no
 * use for them, so they are not in its bundle.
 */
import * as Answers from "./Answers.js"
import type { WaitOptions } from "./Calls.js"
import type { CallError } from "./CheckoutError.js"
import {
  type CallOptions,
  type Client,
  type ClientOptions,
  clientOf,
  connectionOf,
  id,
  sessionPath,
  writing
} from "./Client.js"
import { segment } from "./Inputs.js"
import type * as S from "./Session.js"
import type { Result } from "./Wire.js"

type Answer<A> = Promise<Result<A, CallError>>

/** Checkout sessions, and their tasks. */
export interface HostClient<F = S.FlowTypes> extends Client<F> {
  /** Reports that a task the host ran has succeeded. */
  readonly completeTask: (input: S.CompleteTaskInput<F>, options?: WaitOptions) => Answer<S.Changed<F>>
  /** Reports that a task the host ran has failed for good. */
  readonly failTask: (input: S.FailTaskInput, options?: CallOptions) => Answer<S.Changed<F>>
  /** Releases a claim (for operators). */
  readonly releaseClaim: (input: S.ReleaseClaimInput, options?: CallOptions) => Answer<S.Changed<F>>
  /** Moves a session that has no way on (for operators). */
  readonly move: (input: S.MoveInput<F>, options?: CallOptions) => Answer<S.Changed<F>>
}

/** Connects to a server as a host or an operator. Nothing is sent before the first call. */
export const connect = <F = S.FlowTypes>(options: ClientOptions): HostClient<F> => {
  const connection = connectionOf(options)
  const write = writing(connection)
  const ofOperation = (verb: string) => (input: object) =>
    `${sessionPath(input)}/operations/${segment(input, "operationId")}/${verb}`
  return {
    ...clientOf<F>(connection),
    completeTask: write(ofOperation("complete"), Answers.changed, true, id, "operationId"),
    failTask: write(ofOperation("fail"), Answers.changed, false, id, "operationId"),
    releaseClaim: write(ofOperation("release"), Answers.changed, false, id, "operationId"),
    move: write((input) => `${sessionPath(input)}/move`, Answers.changed, false, id)
  } as HostClient<F>
}
