// Prints "N passed, N failed" from a Vitest JSON report. A file that could not be loaded counts as one failure.
// Fails when anything failed, when nothing passed, and when there is no report.
import { readFileSync } from "node:fs"

const text = readFileSync(process.argv[2], "utf8")
const report = text === "" ? { numPassedTests: 0, numFailedTests: 0, testResults: [] } : JSON.parse(text)
const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0)
const failed = report.numFailedTests + unloaded.length

console.log(`${report.numPassedTests} passed, ${failed} failed`)
process.exitCode = failed > 0 || report.numPassedTests === 0 ? 1 : 0
