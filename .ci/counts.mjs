// Prints what failed and why, and "N passed, N failed", from the JSON reports of Vitest. A file that could not be loaded counts as one failure.
// Fails when anything failed, when nothing passed in one of them, and when one is missing.
import { readFileSync } from "node:fs"

/** Both ends of a text: what failed stands at its beginning, and what a program printed last at its end. */
const endsOf = (text) => (text.length <= 1_600 ? text : `${text.slice(0, 800)} … ${text.slice(-800)}`)

const countsOf = (path) => {
  const text = readFileSync(path, "utf8")
  const report = text === "" ? { numPassedTests: 0, numFailedTests: 0, testResults: [] } : JSON.parse(text)
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
  for (const { assertionResults, name } of report.testResults)
    for (const { failureMessages, fullName, status } of assertionResults)
      if (status === "failed") console.log(`failed: ${name}: ${fullName}\n  ${endsOf(failureMessages.join("\n"))}`)
  for (const { name } of unloaded) console.log(`failed: ${name} could not be loaded`)
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded.length }
}

const counts = process.argv.slice(2).map(countsOf)
const sum = (name) => counts.reduce((total, each) => total + each[name], 0)

console.log(`${sum("passed")} passed, ${sum("failed")} failed`)
process.exitCode = sum("failed") > 0 || counts.some(({ passed }) => passed === 0) ? 1 : 0
