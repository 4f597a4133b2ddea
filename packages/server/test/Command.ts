/** Commands of `onelane`, run to their end. */
import { assert } from "@effect/vitest"
import { onelane } from "../src/Program.js"
import { onelane as bundled, type Ended, node } from "./Program.js"

/** An environment that points a command nowhere. */
export const nothing = { ONELANE_URL: undefined, ONELANE_TOKEN: undefined, ONELANE_STORAGE: undefined }

/** Files of a user: they must get the packages that the command has, so it is the command itself that loads them. */
const files = ["--app", "--flow", "--adapter"]

/** Runs a command to its end. */
export const run = (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  node([args.some((each) => files.includes(each)) ? onelane : bundled, ...args], { ...nothing, ...env }).ended

/** What a command says with `--json`, when it succeeds. */
export const asked = async (args: ReadonlyArray<string>, env: NodeJS.ProcessEnv): Promise<any> => {
  const { code, stderr, stdout } = await run([...args, "--json"], env)
  assert.strictEqual(code, 0, `${args.join(" ")}: ${stderr}`)
  assert.match(stdout, /^[^\n]+\n$/)
  return JSON.parse(stdout)
}
