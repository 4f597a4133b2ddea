/**
 * JudgeCommand: `onelane judge`: checks a recorded history against the guarantees. Exit code 0 if it is correct, 1 if
 * it is wrong, 3 if it cannot be judged.
 */
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { CheckOptions } from "@onelane/history"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ending from "../serve/Ending.js"
import * as FlowOption from "./FlowOption.js"
import * as Output from "./Output.js"

const spontaneous = ["task", "expiry", "halt"] as const

const options = {
  flow: Options.optional(FlowOption.text),
  app: FlowOption.app,
  may: Options.choice("may", spontaneous).pipe(
    Options.withDescription(
      "What sessions did that no recorded call asked for: results of tasks, expiry, halts of states that proceed; may be repeated"
    ),
    Options.repeated
  ),
  initial: Options.text("initial").pipe(
    Options.withPseudoName("state"),
    Options.withDescription("The state of a new session, where the history does not say; default Start"),
    Options.optional
  ),
  finals: Options.text("final").pipe(
    Options.withPseudoName("state"),
    Options.withDescription(
      "A state that closes a session; may be repeated; default: those of the flow, else Complete"
    ),
    Options.repeated
  ),
  budget: Options.integer("budget").pipe(
    Options.withPseudoName("count"),
    Options.withDescription("Configurations tried for each session, 1 to 100,000,000; default 1,000,000"),
    Options.filterMap(
      (count) => (count >= 1 && count <= 100_000_000 ? Option.some(count) : Option.none()),
      "budget is a whole number from 1 to 100,000,000"
    ),
    Options.optional
  ),
  svg: Options.text("svg").pipe(
    Options.withPseudoName("file"),
    Options.withDescription("Write the time line of the first violation to this file, as a picture"),
    Options.optional
  ),
  json: Output.json,
  file: Args.withDescription(
    Args.text({ name: "file" }),
    "The history: JSON, one operation a line, as HistoryLines.toText writes it; - (after the options) is standard input"
  )
}

/** The options of the named flow, if there is one. */
const optionsFor = (name: Option.Option<string>): Effect.Effect<CheckOptions, string> =>
  Option.match(name, {
    onNone: () => Effect.succeed({}),
    onSome: (flow) =>
      Effect.gen(function* () {
        const { optionsOf } = yield* Effect.promise(() => import("@onelane/history"))
        return optionsOf(yield* FlowOption.load(flow))
      })
  })

interface Given {
  readonly file: string
  readonly json: boolean
  readonly svg: Option.Option<string>
  readonly check: CheckOptions
}

const judged = ({ check, file, json, svg }: Given): Effect.Effect<void, string> =>
  Effect.gen(function* () {
    const [{ isConcurrent, judge, read }, { TimeLine }] = yield* Effect.promise(() =>
      Promise.all([import("../operations/JudgeFile.js"), import("@onelane/history")])
    )
    const history = yield* read(file)
    const sentence = judge(history, check)
    const { operations, sessions, undecided, valid, violations } = sentence.verdict
    const [first] = violations
    yield* Output.written(svg, () => (first === undefined ? null : TimeLine.toSvg(first)))
    if (sentence.kind === "not judged") return yield* Effect.fail(sentence.why)
    const said = violations.map((each) => ({ ...each, sentence: TimeLine.explain(each) }))
    yield* Output.show(json, { valid, operations, sessions, violations: said, undecided }, () => sentence.text)
    if (sentence.kind === "broken") yield* Ending.because(Ending.failed, TimeLine.explain(first!))
    else if (!isConcurrent(history))
      yield* Output.note(json, "no two calls overlapped: this run says nothing about races")
  })

/** `onelane judge`. */
export const judge = Command.make("judge", options, ({ app, budget, finals, flow, initial, may, ...given }) =>
  Effect.matchEffect(optionsFor(Option.orElse(app, () => flow)), {
    onFailure: (why) => Ending.because(Ending.usage, why),
    onSuccess: (ofFlow) => {
      const check = {
        ...ofFlow,
        ...(finals.length > 0 && { finals }),
        ...(Option.isSome(initial) && { initial: initial.value }),
        spontaneous: [...new Set([...(ofFlow.spontaneous ?? []), ...may])],
        budget: Option.getOrUndefined(budget)
      }
      return Effect.catchAll(judged({ ...given, check }), (why) => Ending.because(Ending.notJudged, why))
    }
  })
).pipe(
  Command.withDescription(
    "Judge a recorded history: does one order of the calls explain every answer? Exit 0, 1, or 3."
  )
)
