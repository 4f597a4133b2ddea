/** Commands of `onelane`, run to their end. */
import { assert } from "@effect/vitest"
import { onelane } from "../src/Program.js"
import { onelane as bundled, type Ended, node } from "./Program.js"

/** An environment that points a command nowhere. */
export const nothing = { ONELANE_URL: undefined, ONELANE_TOKEN: undefined, ONELANE_STORAGE: undefined }

/** Runs a command to its end. An app is loaded by the command itself: it must get the packages that the command has. */
export const run = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  node([args.includes("--app") ? onelane : bundled, ...args], { ...nothing, ...env }).ended

/** What a command says with `--json`, when it succeeds. */
export const asked = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv): Promise<any> => {
  const { code, stderr, stdout } = await run([...args, "--json"], env)
  assert.strictEqual(code, 0, `${args.join(" ")}: ${stderr}`)
  assert.match(stdout, /^[^\n]+\n$/)
  return JSON.parse(stdout)
}
