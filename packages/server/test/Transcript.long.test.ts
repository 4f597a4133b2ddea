/** The page that leads from an empty folder to a cluster: its commands, in a project that has our packages from their tarballs. */

import { assert, describe, it } from "@effect/vitest"
import * as Link from "@onelane/testkit/Link"
import { postgresForThisFile } from "@onelane/testkit/PostgresForFile"
import { Effect } from "effect"
import * as Packed from "./Packed.js"
import * as Transcript from "./Transcript.js"

const page = Transcript.read("docs/start/from-an-empty-folder.md")

const server = postgresForThisFile()

/** The commands with ports that nobody uses. */
const withPorts = async (commands: string): Promise<string> => {
  let text = commands
  for (const port of ["8085", "7071", "7072"])
    text = text.replaceAll(port, String(await Effect.runPromise(Link.freePort)))
  return text
}

/** What both racers print, whoever won. */
const counts = (output: string): ReadonlyArray<Record<string, number>> =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line))

const judge = (output: string, title: string): void => {
  const racers = counts(output)
  assert.lengthOf(racers, 2, title)
  const won = racers.map(({ won }) => won!)
  assert.strictEqual(won[0]! + won[1]!, 200, `${title}: one winner each visit`)
  for (const { won, ...refused } of racers) {
    const reasons = ["ExpectedStateMismatch", "SessionProcessing", "SessionClosed"]
    for (const name of Object.keys(refused)) assert.include(reasons, name, title)
    assert.strictEqual(
      Object.values(refused).reduce((sum, count) => sum + count, won!),
      200,
      title
    )
  }
}

/** The lines that no race decides. */
const rest = (output: string): ReadonlyArray<string> => output.split("\n").filter((line) => !line.startsWith("{"))

describe("from an empty folder", { timeout: 600_000 }, () => {
  it("every race of the page has one winner each visit, there and here", async () => {
    const folder = Transcript.lay(page, (await Packed.make()).folder)
    const env = { POSTGRES: await Effect.runPromise(server().makePlace) }
    const races = page.steps.filter(({ shown }) => shown !== null)
    assert.lengthOf(races, 4)
    for (const { commands, shown } of races) {
      judge(shown!, `the page, ${commands}`)
      const output = await Transcript.run(await withPorts(commands), folder, env)
      judge(output, commands)
      assert.deepStrictEqual(rest(output), rest(shown!))
    }
  })
})
