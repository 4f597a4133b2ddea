/**
 * Ending: how a command ends, for programs (the exit code) and for people (a sentence on standard error).
 */
import * as Redacted from "@onelane/sql/Redacted"
import * as Effect from "effect/Effect"

/** Exit code: refused, not found or broken; the sentence on standard error says which. 0 is success. */
export const failed = 1

/** Exit code: told something that makes no sense; nothing was done. */
export const usage = 2

/** Writes a line. */
export const print = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.async((resume) => void stream.write(`${text}\n`, () => resume(Effect.void)))

/** Sets the code with which the process will end. */
export const exit = (code: number): Effect.Effect<void> => Effect.sync(() => void (process.exitCode = code))

/** Says why on standard error, without a password, and sets the code. */
export const because = (code: number, why: string): Effect.Effect<void> =>
  Effect.zipRight(print(process.stderr, `onelane: ${Redacted.text(why)}`), exit(code))

/** One sentence for an operator. */
export const sentenceOf = (error: object): string => {
  const { cause, message } = error as { readonly message?: string; readonly cause?: unknown }
  return message || (cause instanceof Error ? cause.message : JSON.stringify(error))
}
