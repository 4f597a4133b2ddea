// Bundles the page of the console: `node packages/console/bundle.mjs`, a part of `npm run build`. What the browser loads is in
// `dist/assets` afterwards: one page, one script, one style sheet, one icon. A file that stays the same is not written, so that
// runs beside one another do not read half of it.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

const { outputFiles } = await build({
  absWorkingDir: at("."),
  entryPoints: { console: "src/page/Main.tsx", style: "src/page/console.css" },
  outdir: "dist/assets",
  bundle: true,
  minify: true,
  legalComments: "none",
  platform: "browser",
  format: "esm",
  target: "es2022",
  conditions: ["onelane-source"],
  jsx: "automatic",
  jsxImportSource: "preact",
  write: false,
  logLevel: "warning"
})

const isSame = (path, contents) => {
  try {
    return readFileSync(path).equals(contents)
  } catch {
    return false
  }
}

mkdirSync(at("dist/assets"), { recursive: true })
for (const { contents, path } of [
  ...outputFiles,
  ...["index.html", "icon.svg"].map((name) => ({ path: name, contents: readFileSync(at(`src/page/${name}`)) }))
]) {
  const target = at(`dist/assets/${basename(path)}`)
  if (!isSame(target, contents)) writeFileSync(target, contents)
}
