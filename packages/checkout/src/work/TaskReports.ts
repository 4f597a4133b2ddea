/**
 * TaskReports: reports to a session how its operation ended. The result must become durable, so the report is retried
 * while there is no decision (store unavailable, overload). A refusal is final: the operation was closed in another
 * way. A fenced store is not retried: it stays fenced until it is opened again, which resumes the task.
 */
import * as Backoff from "@onelane/client/backoff"
import type { EffectRunner } from "@onelane/engine"
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

/** The pending reports. */
export interface TaskReports {
  readonly tell: Tell
  readonly parts: Parts
  readonly onUntaken: () => void
  /** Stop functions of the pending reports. */
  readonly pending: Set<() => void>
  isClosed: boolean
}

/** Creates the reports of one process. */
export const make = (tell: Tell, parts: Parts, onUntaken: () => void = () => {}): TaskReports => ({
  tell,
  parts,
  onUntaken,
  pending: new Set(),
  isClosed: false
})

/** Whether no report is pending. */
export const isIdle = ({ pending }: TaskReports): boolean => pending.size === 0

/** Stops all reports and starts no more. */
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

/**
 * Reports a result to a session; `onTold` is called once the session has decided. The returned function stops the
 * report.
 */
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
    if (Exit.isFailure(exit)) self.onUntaken()
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
