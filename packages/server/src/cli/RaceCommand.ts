/**
 * RaceCommand: `onelane race`: races a checkout over HTTP and judges it. Exit code 0 if it is correct, 1 if it is
 * wrong, 3 if too few calls overlapped for a verdict.
 */
import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Adapter } from "../race/Adapter.js"
import type { RaceOutcome } from "../race/Race.js"
import * as Ending from "../serve/Ending.js"
import * as FlowOption from "./FlowOption.js"
import * as Output from "./Output.js"

const bodyMaxBytes = { fallback: 1_048_576, max: 16_777_216 }

const number = (
  name: string,
  { fallback, max }: { readonly fallback: number; readonly max: number },
  text: string,
  least = 1
) =>
  Options.integer(name).pipe(
    Options.withPseudoName("count"),
    Options.withDescription(
      `${text}, ${least} to ${max.toLocaleString("en-US")}; default ${fallback.toLocaleString("en-US")}`
    ),
    Options.withDefault(fallback),
    Options.filterMap(
      (count) => (count >= least && count <= max ? Option.some(count) : Option.none()),
      `${name} is a whole number from ${least} to ${max.toLocaleString("en-US")}`
    )
  )

const file = (name: string, text: string) =>
  Options.text(name).pipe(Options.withPseudoName("file"), Options.withDescription(text), Options.optional)

const json = (name: string, text: string) =>
  Options.text(name).pipe(Options.withPseudoName("json"), Options.withDescription(text), Options.optional)

const options = {
  adapter: Options.text("adapter").pipe(
    Options.withPseudoName("name"),
    Options.withDescription(
      "How to speak to it: native, standard-action, acp, or the file of your own (export default defineAdapter(…)); default native"
    ),
    Options.withDefault("native")
  ),
  flow: Options.withDefault(FlowOption.text, "b2b"),
  create: json("create", "Of a built-in adapter: further members of the body that opens a session"),
  complete: json("complete", "Of acp: further members of the body that completes a session"),
  tokenFile: file("token-file", "The file that holds the bearer token; or ONELANE_RACE_TOKEN holds it"),
  own: Options.boolean("i-own-this-host").pipe(
    Options.withDescription("Race a host that is not this machine. It gets concurrent writes: do it to your own only")
  ),
  calls: number("calls", { fallback: 2_000, max: 100_000 }, "Calls of the whole run"),
  seconds: number("seconds", { fallback: 30, max: 600 }, "Length of the run in seconds"),
  rounds: number("rounds", { fallback: 10, max: 1_000 }, "Sessions for each scenario"),
  deadline: number("deadline-millis", { fallback: 5_000, max: 60_000 }, "Longest wait for an answer in milliseconds"),
  settle: number(
    "settle-millis",
    { fallback: 20, max: 10_000 },
    "Pause before the last look at a session, in milliseconds",
    0
  ),
  body: number("body-max-bytes", bodyMaxBytes, "Bytes of an answer"),
  seed: number("seed", { fallback: 1, max: 0xffffffff }, "Fixes the ways and delays that are drawn", 0),
  svg: file("svg", "Write the smallest proof to this file, as a picture"),
  junit: file("junit", "Write the outcome to this file, as JUnit XML"),
  history: file("history", "Write every call to this file, for onelane judge"),
  json: Output.json,
  url: Args.withDescription(Args.text({ name: "url" }), "The checkout, such as http://127.0.0.1:8080")
}

type Given = Command.Command.ParseConfig<typeof options>

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/** The token; null without one. It is used for requests only. */
const tokenOf = (tokenFile: Option.Option<string>): Effect.Effect<string | null, string> =>
  Effect.gen(function* () {
    const given = Option.isNone(tokenFile)
      ? yield* Effect.map(Effect.orDie(Config.option(Config.string("ONELANE_RACE_TOKEN"))), Option.getOrNull)
      : yield* Effect.try({
          try: () => readFileSync(tokenFile.value, "utf8"),
          catch: (thrown) => `cannot read ${tokenFile.value}: ${messageOf(thrown)}`
        })
    const token = given?.trim() || null
    if (token === null || /^[\x21-\x7e]+$/.test(token)) return token
    return yield* Effect.fail("the token must be one line of printable ASCII without spaces")
  })

const objectOf = (name: string, text: Option.Option<string>): Effect.Effect<object, string> =>
  Effect.try({
    try: () => {
      const value: unknown = JSON.parse(Option.getOrElse(text, () => "{}"))
      if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("no object")
      return value
    },
    catch: () => `--${name} must be a JSON object`
  })

/** The adapter of a name, or of a file. */
const adapterOf = ({ adapter, complete, create, flow }: Given): Effect.Effect<Adapter, string> =>
  Effect.gen(function* () {
    const { adapters } = yield* Effect.promise(() => import("../race/BuiltIn.js"))
    const builtIn = Object.hasOwn(adapters, adapter) ? adapters[adapter] : undefined
    if (builtIn !== undefined)
      return builtIn({
        flow: yield* FlowOption.load(flow),
        create: yield* objectOf("create", create),
        complete: yield* objectOf("complete", complete)
      })
    if (Option.isSome(create) || Option.isSome(complete))
      return yield* Effect.fail("--create and --complete are for the built-in adapters")
    const [{ run }, { faultOf }] = yield* Effect.promise(() =>
      Promise.all([import("../app/AppModule.js"), import("../race/Adapter.js")])
    )
    const known = Object.keys(adapters).join(", ")
    const exported = yield* Effect.mapError(run(adapter), (why) =>
      why === `${adapter}: no such file` ? `no such adapter: ${adapter}; there are ${known}, or a file` : why
    )
    const found = exported.default ?? exported.adapter
    const fault = faultOf(found)
    return fault === null ? (found as Adapter) : yield* Effect.fail(`${adapter}: ${fault}`)
  })

/** Runs the race for these arguments. Fails with a sentence if they are invalid. */
const raced = (given: Given, token: string | null): Effect.Effect<RaceOutcome, string> =>
  Effect.gen(function* () {
    const adapter = yield* adapterOf(given)
    const [RaceTarget, RaceClient, Race] = yield* Effect.promise(() =>
      Promise.all([import("../race/RaceTarget.js"), import("../race/RaceClient.js"), import("../race/Race.js")])
    )
    const target = yield* Effect.promise(() => RaceTarget.make(given.url, given.own))
    if (typeof target === "string") return yield* Effect.fail(target)
    const { body: bodyMaxBytes, calls, deadline: deadlineMillis, rounds, seconds, seed, settle: settleMillis } = given
    const limits = { requestsMaxCount: calls, deadlineMillis, bodyMaxBytes, socketsMaxCount: 16 }
    const client = RaceClient.make(target, limits, token, adapter)
    const run = `race-${randomUUID().slice(0, 13)}`
    const { http } = client
    const bounds = {
      callsMaxCount: calls,
      millis: 1_000 * seconds,
      rounds,
      deadlineMillis: 2 * deadlineMillis,
      settleMillis
    }
    return yield* Effect.ensuring(
      Effect.promise(() => Race.run({ ...bounds, adapter, http, seed, run })),
      Effect.sync(client.close)
    )
  })

/** Prints and writes an outcome, without the token, whatever the checkout answered. */
const told = (given: Given, outcome: RaceOutcome, token: string | null): Effect.Effect<void, string> =>
  Effect.gen(function* () {
    const [Report, { HistoryLines }] = yield* Effect.promise(() =>
      Promise.all([import("../race/RaceReport.js"), import("@onelane/history")])
    )
    const clean = (text: string): string => (token === null ? text : text.replaceAll(token, "[token]"))
    const { calls, millis, reasons, scenarios, verdict } = outcome
    const troubles = Object.fromEntries(outcome.troubles)
    const value = { verdict, calls, millis, seed: given.seed, reasons, troubles, scenarios }
    const text = given.json
      ? JSON.stringify(value)
      : `${Output.table(Report.rowsOf(outcome), "")}\n\n${Report.textOf(outcome)}`
    yield* Ending.print(process.stdout, clean(text))
    if (verdict === "wrong") yield* Ending.because(Ending.failed, clean(Report.sentenceOf(outcome)))
    if (verdict === "not judged") yield* Ending.because(Ending.notJudged, clean(Report.sentenceOf(outcome)))
    const svg = Report.svgOf(outcome)
    yield* Output.written(given.svg, () => (svg === null ? null : clean(svg)))
    yield* Output.written(given.junit, () => clean(Report.junitOf(outcome, given.url)))
    yield* Output.written(given.history, () => clean(HistoryLines.toText(outcome.history)))
  })

/** `onelane race`. */
export const race = Command.make("race", options, (given) =>
  Effect.matchEffect(tokenOf(given.tokenFile), {
    onFailure: (why) => Ending.because(Ending.usage, why),
    onSuccess: (token) =>
      Effect.matchEffect(raced(given, token), {
        onFailure: (why) => Ending.because(Ending.usage, why),
        onSuccess: (outcome) =>
          Effect.catchAll(told(given, outcome, token), (why) =>
            Ending.because(outcome.verdict === "wrong" ? Ending.failed : Ending.notJudged, why)
          )
      })
  })
).pipe(
  Command.withDescription(
    "Race a checkout over HTTP, yours or ours, and judge it. Exit 0 correct, 1 wrong, 3 not judged."
  )
)
