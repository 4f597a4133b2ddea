/**
 * Packed: a project outside the repository that has our packages from their tarballs. `.ci/run` installs one from the registry
 * (`ONELANE_PACKED`); without it the tarballs are unpacked beside links to what is installed here.
 */
import { execFile } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { root } from "./Program.js"

const execute = promisify(execFile)

/** A tarball and what it holds. */
export interface Tarball {
  readonly path: string
  readonly manifest: {
    readonly name: string
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
    readonly [field: string]: unknown
  }
  /** Paths below the package. */
  readonly files: ReadonlyArray<string>
}

/** A project and the tarballs that are installed in it. */
export interface Project {
  readonly folder: string
  readonly tarballs: ReadonlyArray<Tarball>
}

const unpacked = async (path: string, folder: string): Promise<Tarball> => {
  const target = mkdtempSync(join(folder, "unpacked-"))
  await execute("tar", ["-xzf", path, "-C", target])
  const files = readdirSync(join(target, "package"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(target, "package/").length))
  return { path, manifest: JSON.parse(readFileSync(join(target, "package/package.json"), "utf8")), files }
}

const link = (from: string, to: string, names: ReadonlyArray<string>): void => {
  mkdirSync(to, { recursive: true })
  for (const name of names) symlinkSync(join(from, name), join(to, name))
}

const lay = async (project: string, { manifest: { name }, path }: Tarball): Promise<void> => {
  const folder = join(project, "node_modules", name)
  mkdirSync(folder, { recursive: true })
  await execute("tar", ["-xzf", path, "-C", folder, "--strip-components=1"])
}

/** Packs everything that is published and makes a project that has it. */
export const make = async (): Promise<Project> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-packed-"))
  const { stdout } = await execute(process.execPath, [join(root, ".ci/pack.mjs"), folder], { cwd: root })
  const paths: ReadonlyArray<string> = JSON.parse(stdout)
  const tarballs: Array<Tarball> = []
  for (const path of paths) tarballs.push(await unpacked(path, folder))
  const { ONELANE_PACKED: installed } = process.env
  if (installed !== undefined) return { folder: installed, tarballs }
  const project = join(folder, "project")
  const modules = join(root, "node_modules")
  link(
    modules,
    join(project, "node_modules"),
    readdirSync(modules).filter((name) => name !== "@onelane" && !name.startsWith("."))
  )
  for (const tarball of tarballs) await lay(project, tarball)
  mkdirSync(join(project, "node_modules/.bin"))
  symlinkSync("../@onelane/server/bin/onelane.js", join(project, "node_modules/.bin/onelane"))
  return { folder: project, tarballs }
}

/** The names of the files of a project's package, by the name of the tarball: for messages. */
export const nameOf = ({ path }: Tarball): string => basename(path)
