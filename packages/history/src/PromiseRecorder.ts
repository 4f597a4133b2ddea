/**
 * PromiseRecorder: records the calls of the Promise API: the methods that return `{ ok, value }` or `{ ok, error }`,
 * and their `…OrThrow` variants. All other members are unchanged.
 */
import * as Caller from "@onelane/checkout/Caller"
import type { Asking, CallNote } from "./CallNotes.js"
import * as CallNotes from "./CallNotes.js"
import type { Answer, Call, Writer } from "./History.js"

type Method = (input: unknown, options?: unknown) => Promise<unknown>
type Members = Readonly<Record<string, unknown>>

const notes: { readonly [Name in CallNotes.Noted]: CallNote<any, any> } = {
  open: CallNotes.open,
  update: CallNotes.update,
  get: CallNotes.get,
  cancel: CallNotes.cancel,
  completeTask: CallNotes.completeTask,
  failTask: CallNotes.failTask,
  releaseClaim: CallNotes.releaseClaim,
  move: CallNotes.move
}

/** Whether the options of a read ask it to wait: such a read may return an earlier state, so it is not recorded. */
const waits = (options: unknown): boolean =>
  typeof options === "object" &&
  options !== null &&
  Object.entries(options).some(([name, value]) => name !== "signal" && value !== undefined)

const isError = (value: unknown): value is Parameters<typeof CallNotes.refusal>[0] =>
  typeof value === "object" && value !== null && "_tag" in value && "applied" in value

/** The typed error of an `…OrThrow` call, if that is what was thrown. */
const errorIn = (thrown: unknown): unknown =>
  typeof thrown === "object" && thrown !== null && "error" in thrown ? thrown.error : undefined

const answerTo = (who: Asking, call: Call, error: unknown): Answer =>
  isError(error) ? CallNotes.refusal(error, who, call) : CallNotes.nobodyKnows

/** Wraps a method so that it is recorded. Its results, rejections and validation do not change. */
const noted = (writer: Writer, who: Asking, name: CallNotes.Noted, throws: boolean, method: Method): Method => {
  const note = notes[name]
  return (input, options) => {
    if (typeof input !== "object" || input === null || (name === "get" && waits(options))) return method(input, options)
    const call = note.call(who, input)
    const answered = writer.invoke(call)
    return method(input, options).then(
      (result) => {
        const { error, ok, value } = (throws ? { ok: true, value: result } : result) as Members
        answered(ok === true ? note.answer(value) : answerTo(who, call, error))
        return result
      },
      (thrown) => {
        answered(answerTo(who, call, errorIn(thrown)))
        throw thrown
      }
    )
  }
}

/** Returns the object with its calls recorded, including those of the object that `as(caller)` returns. */
export const record = <C extends object>(
  writer: Writer,
  process: number,
  checkout: C,
  caller: Caller.Caller = Caller.host
): C => {
  const seesAll = caller.roles.includes("modify-all-data") || caller.roles.includes("commerce-integrator")
  const who: Asking = { process, userId: caller.userId, seesAll }
  const given = checkout as Members
  const recorded: Record<string, unknown> = {}
  for (const name of Object.keys(notes) as Array<CallNotes.Noted>) {
    for (const [member, throws] of [[name, false] as const, [`${name}OrThrow`, true] as const]) {
      const method = given[member]
      if (typeof method !== "function") continue
      recorded[member] = noted(writer, who, name, throws, method.bind(checkout) as Method)
    }
  }
  const as = given.as
  if (typeof as === "function") {
    recorded.as = (next: Caller.Caller) => record(writer, process, as.call(checkout, next) as object, next)
  }
  return Object.assign(Object.create(checkout), recorded) as C
}
