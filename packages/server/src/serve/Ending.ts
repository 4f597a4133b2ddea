/**
 * Ending: how a command ends: the exit code for programs, a sentence on standard error for people.
 */
import * as Redacted from "@onelane/sql/Redacted"
import * as Effect from "effect/Effect"

/** Exit code for a refusal or a failure; standard error says which. 0 is success. */
export const failed = 1

/** Exit code for invalid arguments or settings; nothing was done. */
export const usage = 2

/**
 * Exit code of the commands that judge (`judge`, `race`) when nothing could be judged. It is not 1: nothing was found
 * wrong.
 */
export const notJudged = 3

/** Writes a line. */
export const print = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.async((resume) => void stream.write(`${text}\n`, () => resume(Effect.void)))

/** Sets the exit code of the process. */
export const exit = (code: number): Effect.Effect<void> => Effect.sync(() => void (process.exitCode = code))

/** Writes the reason to standard error, without passwords, and sets the exit code. */
export const because = (code: number, why: string): Effect.Effect<void> =>
  Effect.zipRight(print(process.stderr, `onelane: ${Redacted.text(why)}`), exit(code))

/** One sentence for an operator. */
export const sentenceOf = (error: object): string => {
  const { cause, message } = error as { readonly message?: string; readonly cause?: unknown }
  return message || (cause instanceof Error ? cause.message : JSON.stringify(error))
}
