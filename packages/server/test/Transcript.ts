/** Transcript: a page that shows commands and what they print, as a script: its files, and its commands with their output. */
import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { root } from "./Program.js"

const execute = promisify(execFile)

/** One block of commands, and the output that the page shows after it. */
export interface Step {
  readonly commands: string
  readonly shown: string | null
}

/** What a page has. */
export interface Transcript {
  readonly files: ReadonlyArray<readonly [name: string, text: string]>
  readonly steps: ReadonlyArray<Step>
}

const block = /^```(\w+)\n(.*?)^```$/gms

/** Reads a page: a `js` block is a file, named by its first line; a `text` block is the output of the `sh` block before it. */
export const read = (path: string): Transcript => {
  const files: Array<readonly [string, string]> = []
  const steps: Array<Step> = []
  for (const [, language, text] of readFileSync(join(root, path), "utf8").matchAll(block)) {
    const name = /^\/\/ (\S+)\n/.exec(text!)?.[1]
    if (language === "js" && name !== undefined) files.push([name, text!])
    if (language === "sh") steps.push({ commands: text!, shown: null })
    if (language === "text") steps.push({ ...steps.pop()!, shown: text! })
  }
  return { files, steps }
}

/** Makes a folder of the project's own for the files of a page, as `npm init` and `npm pkg set type=module` do. */
export const lay = ({ files }: Transcript, project: string): string => {
  const folder = mkdtempSync(join(project, "transcript-"))
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "shop", type: "module" }))
  symlinkSync("../node_modules", join(folder, "node_modules"))
  for (const [name, text] of files) writeFileSync(join(folder, name), text)
  return folder
}

// `@effect/sql-pg` in the cluster's list of nodes relies on the queue of `pg`, which will be gone in pg@9.
const ofTheDriver =
  /^\(node:\d+\) DeprecationWarning: Calling client\.query\(\).*\n\(Use `node --trace-deprecation.*\n/gm

/** Runs the commands of a step as a shell does, and gives what they print. Anything on standard error is a failure. */
export const run = async (commands: string, folder: string, env: Readonly<Record<string, string>>): Promise<string> => {
  const options = { cwd: folder, env: { ...process.env, ...env }, timeout: 180_000 }
  const { stderr, stdout } = await execute("bash", ["-c", commands], options)
  if (stderr.replaceAll(ofTheDriver, "") !== "") throw new Error(stderr)
  return stdout
}
