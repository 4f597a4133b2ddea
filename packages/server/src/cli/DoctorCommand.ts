/**
 * DoctorCommand: `onelane doctor`: checks what a server depends on. Exit code 1 if a check fails.
 */
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ending from "../serve/Ending.js"
import * as FlowOption from "./FlowOption.js"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

const options = { storage: Target.storage, app: FlowOption.app, json: Output.json }

/** `onelane doctor`. */
export const doctor = Command.make("doctor", options, ({ app, json, storage }) =>
  Effect.gen(function* () {
    const { examine, examineApp } = yield* Effect.promise(() => import("../operations/Doctor.js"))
    const ofApp = Option.isNone(app) ? [] : yield* examineApp(app.value, storage)
    const findings = [...(yield* examine(storage)), ...ofApp]
    const healthy = findings.every(({ result }) => result !== "failed")
    yield* Output.show(json, { healthy, findings }, () =>
      Output.table(
        findings.map((each) => ({ ...each })),
        ""
      )
    )
    if (!healthy) yield* Ending.because(Ending.failed, "a check failed; fix what is marked failed before you serve")
  })
).pipe(Command.withDescription("Check what a server depends on: Node, the storage, its tables, its disk, the clock."))
