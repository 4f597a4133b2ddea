// Fails unless every package has the version of this tag, and asks for its siblings under it: `node .ci/version.mjs v0.2.0`.
import { readdirSync, readFileSync } from "node:fs"

const version = (process.argv[2] ?? "").replace(/^v/, "")
const wrong = readdirSync("packages").flatMap((name) => {
  const path = `packages/${name}/package.json`
  const manifest = JSON.parse(readFileSync(path, "utf8"))
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest
  const asked = Object.entries({ ...devDependencies, ...dependencies, ...optionalDependencies, ...peerDependencies })
  return [["version", manifest.version], ...asked.filter(([each]) => each.startsWith("@onelane/"))]
    .filter(([, found]) => found !== version)
    .map(([what, found]) => `${path}: ${what} is ${found}, not ${version}`)
})
for (const each of wrong) console.error(each)
process.exitCode = wrong.length === 0 ? 0 : 1
