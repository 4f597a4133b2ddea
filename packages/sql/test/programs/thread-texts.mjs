/** Writes ThreadTexts.ts, the programs of the threads as text: `npm run threads`. With `--check` it only compares. */
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const root = fileURLToPath(new URL("../../../..", import.meta.url))
const path = `${root}packages/sql/src/sqlite/ThreadTexts.ts`

const textOf = async (program) => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`packages/sql/src/sqlite/${program}.ts`],
    bundle: true,
    format: "iife",
    target: "es2022",
    write: false,
    tsconfigRaw: {}
  })
  return outputFiles[0].text.trimEnd()
}

const constant = async (name, program) => {
  const lines = (await textOf(program)).split("\n").map((line) => `  ${JSON.stringify(line)}`)
  return `/** The text of ${program}. */\nexport const ${name}: string = [\n${lines.join(",\n")}\n].join("\\n")\n`
}

const head = `/**
 * ThreadTexts: the programs of the threads as text, so that no bundler can lose their files. Written by \`npm run threads\` from
 * SqliteThread and SqliteCopyThread, and compared with them by a test: change those, not this file.
 */
`
const texts = `${head}\n${await constant("writer", "SqliteThread")}\n${await constant("copy", "SqliteCopyThread")}`
if (!process.argv.includes("--check")) writeFileSync(path, texts)
else if (readFileSync(path, "utf8") !== texts) {
  process.stderr.write("ThreadTexts.ts is not what its sources give: npm run threads\n")
  process.exitCode = 1
}
