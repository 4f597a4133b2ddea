// Publishes tarballs in their order: `node .ci/publish.mjs <the JSON of pack.mjs>`. One that the registry has already is left out,
// so that a release that broke off can be run again.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

const dryRun = process.argv.includes("--dry-run") ? ["--dry-run"] : []

const isPublished = (path) => {
  const [{ id }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", path], { encoding: "utf8" }))
  try {
    return (
      execFileSync("npm", ["view", id, "version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }) !== ""
    )
  } catch {
    return false
  }
}

for (const path of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  if (dryRun.length === 0 && isPublished(path)) console.log(`published already: ${path}`)
  else execFileSync("npm", ["publish", path, "--access", "public", "--provenance", ...dryRun], { stdio: "inherit" })
}
