/**
 * FlowCommand: `onelane flow check`: checks the live sessions against a new flow. Exit code 1 if a session would be
 * stranded, so that a deploy pipeline stops.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import type { FlowCheck } from "@onelane/checkout"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as FlowOption from "./FlowOption.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

/** Stranded sessions that are shown to people; with `--json` up to 1,000 are listed. */
const shownStranded = 20

const whys: { readonly [W in FlowCheck.Why]: string } = {
  STATE_GONE: "the flow does not have its state: add it to migrate",
  CLAIM_RETIRED: "its running task, or where that leads, is gone: the claim would end in Error",
  NEWER_VERSION: "a later version of the flow wrote it: this one cannot answer"
}

const textOf = (report: FlowCheck.FlowReport): string => {
  const { archived, becameFinal, flow, live, noLongerFinal, states, stranded, strandedCount, version } = report
  const shown = stranded.slice(0, shownStranded)
  const more = strandedCount > shown.length ? [`and ${strandedCount - shown.length} more`] : []
  return [
    `flow ${flow}, version ${version}: ${live} live sessions, ${archived} archived`,
    Output.table(
      states.map((each) => ({ ...each })),
      "no live sessions"
    ),
    ...becameFinal.map(({ live, state }) => `${state} became final: ${live} live sessions would be completed`),
    ...noLongerFinal.map(
      ({ archived, state }) => `${state} is no longer final: ${archived} completed sessions stay archived`
    ),
    ...(shown.length === 0
      ? []
      : [
          Output.table(
            shown.map(({ why, ...each }) => ({ ...each, why: whys[why] })),
            ""
          ),
          ...more
        ])
  ].join("\n\n")
}

const check = Command.make(
  "check",
  {
    storage: Target.storage,
    json: Output.json,
    flow: Options.withDefault(FlowOption.text, "b2b"),
    app: FlowOption.app
  },
  ({ app, flow: name, json, storage }) =>
    Effect.matchEffect(FlowOption.load(Option.getOrElse(app, () => name)), {
      onFailure: Target.misused,
      onSuccess: (flow) =>
        Target.run(
          Effect.gen(function* () {
            const { look } = yield* Effect.promise(() => import("../operations/FlowLook.js"))
            yield* Target.mustExist(storage)
            const report = yield* Effect.mapError(look(storage, flow), Target.refused)
            yield* Output.show(json, report, () => textOf(report))
            if (report.strandedCount === 0) return
            const who = report.strandedCount === 1 ? "1 live session has" : `${report.strandedCount} live sessions have`
            yield* Effect.fail(Target.refused(`${who} no way on in flow ${flow.name}, version ${flow.version}`))
          })
        )
    })
).pipe(Command.withDescription("Count live sessions by state, and list those that a flow gives no way on."))

/** `onelane flow`. */
export const flow = Command.make("flow").pipe(
  Command.withDescription("Check what a flow would make of the sessions that are live, before you deploy it."),
  Command.withSubcommands([check])
)
