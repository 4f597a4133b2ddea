/**
 * Puts the programs that tests and proofs start hundreds of times into one file each: the `onelane` command as built, those
 * that embed the engine, and the shop of the examples. From one file a program is there in half the time that a thousand
 * modules take. What an app of its own meets, `--app`, and what is packed is tested on the command itself.
 *
 * Vitest runs it before all tests. `node packages/testkit/programs.mjs` builds them for `.ci/run` and prints the folder.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Builds them; answers the folder, which the caller removes. */
const buildPrograms = async () => {
  // As deep in the package as its modules are, which read beside themselves, and where packages are found by name.
  const above = `${root}packages/server/node_modules`
  mkdirSync(above, { recursive: true })
  const folder = mkdtempSync(`${above}/.programs-`)
  const embedding = ["chain", "embedded", "look", "remote", "write"]
  await build({
    absWorkingDir: root,
    entryPoints: {
      onelane: "packages/server/dist/main.js",
      shop: "examples/dist/08-shop/server.js",
      ...Object.fromEntries(embedding.map((name) => [name, `packages/sql/test/programs/${name}.mjs`]))
    },
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
  return folder
}

export default async () => {
  execFileSync(process.execPath, [`${root}packages/console/bundle.mjs`])
  // `.ci/run` has built them, for its proofs as well.
  if (process.env.ONELANE_PROGRAMS !== undefined) return
  const folder = await buildPrograms()
  process.env.ONELANE_PROGRAMS = folder
  return () => rmSync(folder, { recursive: true, force: true })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) process.stdout.write(await buildPrograms())
