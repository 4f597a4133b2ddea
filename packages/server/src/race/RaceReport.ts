/**
 * RaceReport: an outcome for people (text with the time lines of what is wrong), for pipelines (JUnit XML) and as a
 * picture.
 */
import { TimeLine } from "@onelane/history"
import type { RaceOutcome, ScenarioOutcome } from "./Race.js"

const counted = (count: number): string => count.toLocaleString("en-US")

const verdictOf = ({ races, skipped, violation }: ScenarioOutcome): string => {
  if (skipped !== null) return `left out: ${skipped}`
  if (violation !== null) return `WRONG: ${violation.rule}`
  return races === 0 ? "not judged" : "correct"
}

/** The rows of the table of scenarios. */
export const rowsOf = ({ scenarios }: RaceOutcome): ReadonlyArray<Readonly<Record<string, unknown>>> =>
  scenarios.map((each) => ({
    scenario: each.name,
    sessions: each.rounds,
    races: each.races,
    accepted: each.accepted,
    refused: each.refused,
    unknown: each.unknown,
    verdict: verdictOf(each)
  }))

const sum = ({ scenarios }: RaceOutcome): number => scenarios.reduce((all, { races }) => all + races, 0)

/** The outcome in one sentence. */
export const sentenceOf = (outcome: RaceOutcome): string => {
  const { calls, millis, reasons, scenarios, verdict } = outcome
  const all = `${counted(calls)} calls, ${counted(sum(outcome))} races, ${(millis / 1_000).toFixed(1)} s`
  if (verdict === "correct") return `correct: ${all}; one order of the calls explains every answer`
  if (verdict === "not judged") return `not judged: ${reasons.join("; ")}`
  const wrong = scenarios.filter(({ violation }) => violation !== null)
  const first = Math.min(...wrong.map(({ foundAfter }) => foundAfter!))
  return `wrong: ${wrong.map(({ name, violation }) => `${violation!.rule} (${name})`).join(", ")}; found after ${counted(first)} calls`
}

/** Below the table: troubles, the smallest proof of each violation, the sentence. */
export const textOf = (outcome: RaceOutcome): string => {
  // Why calls were refused is reported only if there were no other answers.
  const isOfInterest = (sentence: string): boolean =>
    outcome.verdict === "not judged" || !sentence.startsWith("refused: ")
  const told = [...outcome.troubles].filter(([sentence]) => isOfInterest(sentence))
  const troubles = told.map(([sentence, times]) => TimeLine.visible(`  ${times} × ${sentence}`))
  const proofs = outcome.scenarios.flatMap(({ name, violation }) =>
    violation === null ? [] : [`${name}\n${TimeLine.toText(violation)}`]
  )
  return [
    ...(troubles.length > 0 ? [["on the way:", ...troubles].join("\n")] : []),
    ...proofs,
    sentenceOf(outcome)
  ].join("\n\n")
}

/** The proof with the fewest calls, as a picture; null if nothing is wrong. */
export const svgOf = ({ scenarios }: RaceOutcome): string | null => {
  const [smallest] = scenarios
    .flatMap(({ violation }) => (violation === null ? [] : [violation]))
    .sort((a, b) => a.operations.length - b.operations.length)
  return smallest === undefined ? null : TimeLine.toSvg(smallest)
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\n": "&#10;"
}
const attribute = (text: string): string => text.replace(/[&<>"\n]/g, (each) => escapes[each]!)
const content = (text: string): string => text.replace(/[&<>]/g, (each) => escapes[each]!)

const caseOf = (each: ScenarioOutcome, { reasons }: RaceOutcome): string => {
  const open = `    <testcase classname="onelane.race" name="${attribute(each.name)}"`
  const { races, skipped, violation } = each
  if (skipped !== null) return `${open}>\n      <skipped message="${attribute(skipped)}"/>\n    </testcase>`
  if (violation !== null) {
    const message = attribute(TimeLine.explain(violation))
    const failure = `<failure type="${violation.rule}" message="${message}">${content(TimeLine.toText(violation))}</failure>`
    return `${open}>\n      ${failure}\n    </testcase>`
  }
  if (races > 0) return `${open}/>`
  const why = TimeLine.visible(
    reasons.find((reason) => reason.startsWith(each.name)) ?? reasons[0] ?? "no race took place"
  )
  return `${open}>\n      <error type="not judged" message="${attribute(why)}"/>\n    </testcase>`
}

/** The test case for the whole run: an error if it is not judged. */
const wholeOf = ({ reasons, verdict }: RaceOutcome): string => {
  const open = `    <testcase classname="onelane.race" name="enough happened"`
  if (verdict !== "not judged") return `${open}/>`
  const message = attribute(TimeLine.visible(reasons.join("; ")))
  return `${open}>\n      <error type="not judged" message="${message}"/>\n    </testcase>`
}

/** The outcome as JUnit XML, a case for each scenario. */
export const junitOf = (outcome: RaceOutcome, host: string): string => {
  const { millis, scenarios, verdict } = outcome
  const cases = [...scenarios.map((each) => caseOf(each, outcome)), wholeOf(outcome)]
  const failures = scenarios.filter(({ violation }) => violation !== null).length
  const skipped = scenarios.filter((each) => each.skipped !== null).length
  const errors = cases.filter((each) => each.includes("<error ")).length
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="onelane race" ${counts} time="${millis / 1_000}">`,
    `  <testsuite name="${attribute(host)}: ${verdict}" ${counts} time="${millis / 1_000}">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    ""
  ].join("\n")
}
