import { assert, describe, it } from "@effect/vitest"
import type { Answer } from "@onelane/engine"
import { Exit } from "effect"
import type { CommandOf, Decide, SessionReply } from "../src/commands/SessionCommand.js"
import type { OperationError, UpdateError } from "../src/errors/CheckoutError.js"
import * as Refusal from "../src/errors/Refusal.js"
import type { Sessions } from "../src/work/Sessions.js"

// The compiler is the check: an error that is no longer expected fails `npm run types`.
describe("CommandErrors", () => {
  it("a rule may refuse with the errors of its own command only", () => {
    const right: Decide<"Update"> = (_flow, { session }) => Exit.fail(Refusal.versionMismatch(session!))
    // @ts-expect-error a read is never refused for the version
    const wrong: Decide<"Read"> = (_flow, { session }) => Exit.fail(Refusal.versionMismatch(session!))
    assert.notStrictEqual<unknown>(right, wrong)
  })

  it("a method that sends a command can fail with the errors of that command only", () => {
    type Sent<E> = (sessions: Sessions, command: CommandOf<"Update">) => Answer.Answer<SessionReply, E>
    const right: Sent<UpdateError> = (sessions, command) => sessions.send("cs", command)
    // @ts-expect-error an update can be refused with more than closing an operation can
    const wrong: Sent<OperationError> = (sessions, command) => sessions.send("cs", command)
    assert.notStrictEqual<unknown>(right, wrong)
  })
})
