/**
 * TaskReports: tells a session how its operation ended. The result must become durable: it is told again while no decision is made
 * (no store, overload). A refusal is final: the operation was closed otherwise. A fenced store stays fenced until it is opened
 * again, which resumes the task.
 */
import { Backoff, type EffectRunner } from "@onelane/engine"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { CommandOf, SessionReply } from "../commands/SessionCommand.js"
import type { CompleteError } from "../errors/CheckoutError.js"
import type { TaskFailure } from "../flow/Task.js"
import type * as TaskResult from "../flow/TaskResult.js"
import type { Claim, Parts } from "./Operation.js"

/** The command that reports how an operation ended. */
export type Result = CommandOf<"CompleteTask" | "FailTask">

/** Sends a command of the engine itself to a session, and calls back with the answer. */
export type Tell = (
  run: EffectRunner.RunEffect,
  id: string,
  command: Result,
  onExit: (exit: Exit.Exit<SessionReply, CompleteError>) => void
) => void

/** The reports on their way. */
export interface TaskReports {
  readonly tell: Tell
  readonly parts: Parts
  /** How to end each. */
  readonly pending: Set<() => void>
  isClosed: boolean
}

/** Makes them. */
export const make = (tell: Tell, parts: Parts): TaskReports => ({ tell, parts, pending: new Set(), isClosed: false })

/** Whether no report is on its way. */
export const isIdle = ({ pending }: TaskReports): boolean => pending.size === 0

/** Ends all, and begins no more. */
export const close = (self: TaskReports): void => {
  self.isClosed = true
  for (const stop of [...self.pending]) stop()
}

/** The report of a success. */
export const completed = ({ operationId }: Claim, success: TaskResult.Success): Result => ({
  tag: "CompleteTask",
  caller: null,
  operationId,
  ...success
})

/** The report of a failure. */
export const failed = ({ operationId }: Claim, { applied = "unknown", code, message }: TaskFailure): Result => ({
  tag: "FailTask",
  caller: null,
  operationId,
  cause: { code, message },
  applied
})

const policy = { baseMillis: 100, maxMillis: 5_000 }

/** Tells a session; `onTold` is called once it has decided. The returned function ends the report. */
export const tell = (self: TaskReports, id: string, command: Result, onTold: () => void): (() => void) => {
  const { parts, pending } = self
  let isOver = self.isClosed
  let tries = 0
  let stopPause = (): void => {}
  const stop = (): void => {
    isOver = true
    stopPause()
    pending.delete(stop)
  }
  const once = (): void => self.tell(parts.run, id, command, answered)
  const answered = (exit: Exit.Exit<SessionReply, CompleteError>): void => {
    if (isOver) return
    if (isUndecided(exit)) {
      tries += 1
      stopPause = parts.after(Backoff.pauseMillis(policy, tries, parts.jitter()), once)
      return
    }
    if (Exit.isFailure(exit))
      parts.run(Effect.logDebug(`the result of ${command.operationId} was not taken`, exit.cause), () => {})
    stop()
    onTold()
  }
  if (isOver) return stop
  pending.add(stop)
  once()
  return stop
}

const isUndecided = (exit: Exit.Exit<SessionReply, CompleteError>): boolean => {
  if (Exit.isSuccess(exit) || exit.cause._tag !== "Fail") return false
  const { error } = exit.cause
  return (error._tag === "StorageUnavailable" && error.reason !== "FENCED") || error._tag === "Overloaded"
}
