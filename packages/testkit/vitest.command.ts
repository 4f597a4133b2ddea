/**
 * Run once before all tests: puts the `onelane` command, as built, into one file. Tests start it hundreds of times, and from
 * one file it is there in a third of the time that a thousand modules take. What an app of its own meets, `--app`, and what
 * is packed is tested on the command itself.
 */
import { rmSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const server = fileURLToPath(new URL("../server/", import.meta.url))

export default async (): Promise<() => void> => {
  // As deep in the package as its modules are, which read beside themselves, and where packages are found by name.
  const folder = `${server}node_modules/.command-${process.pid}/`
  await build({
    absWorkingDir: server,
    entryPoints: ["dist/main.js"],
    outdir: folder,
    bundle: true,
    splitting: true,
    keepNames: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["pg", "pg-*", "typescript", "@photostructure/sqlite"],
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);'
    },
    logLevel: "error"
  })
  process.env.ONELANE_COMMAND = `${folder}main.js`
  return () => rmSync(folder, { recursive: true, force: true })
}
