/**
 * Tidy: checks that the linters of this repository cannot do. Takes a tree and returns every violation; an empty list
 * means tidy. Rules on one source file are in `TidySource`, those on the tree in `TidyTree`, those on what is cited in
 * `TidyCitations`.
 *
 * Owns the limit, the lists of words and calls, and the few places that are excused. Biome checks lengths of files and
 * calls of globals, dependency-cruiser who imports whom, knip what nobody imports.
 */
import { manifestsOf, type Repository } from "./Repository.js"
import * as Citations from "./TidyCitations.js"
import * as Source from "./TidySource.js"
import * as Tree from "./TidyTree.js"

/** The rules, by the name a violation carries. */
export type Rule =
  | "function length"
  | "banned word"
  | "banned call"
  | "docstring"
  | "undeclared import"
  | "line length"
  | "stale name"
  | "stale citation"
  | "stale link"

/** One violation. */
export interface Violation {
  readonly rule: Rule
  readonly path: string
  readonly line: number
  readonly message: string
}

/** What is allowed, and where it is not applied. */
export interface TidyConfig {
  readonly functionLines: number
  /** Longest line of a Markdown page, tables and code apart; and the paths (prefixes) of the pages. */
  readonly pages: { readonly columns: number; readonly paths: ReadonlyArray<string> }
  /** A word that no name may hold, and the paths (prefixes) where it may. */
  readonly words: Readonly<Record<string, ReadonlyArray<string>>>
  /** A call or cast that no file may hold, and the paths (prefixes) where it may. */
  readonly calls: Readonly<Record<string, ReadonlyArray<string>>>
}

/** Where a race that never ends fails a test. */
const races = ["packages/server/test/", "packages/testing/", "packages/testkit/"]

/** The rules of this repository. Source: docs/CONTRIBUTING.md, "Style in short". */
export const house: TidyConfig = {
  functionLines: 60,
  pages: { columns: 120, paths: ["README.md", "docs/"] },
  words: {
    manager: [],
    util: [],
    helper: [],
    common: [],
    info: [],
    lock: [],
    mutex: [],
    grain: [],
    handler: [
      "bench/src/whole/RestateShop.ts",
      "packages/http/",
      "packages/server/",
      "packages/sdk/src/entry/",
      "packages/sdk/src/mount/",
      "packages/sdk/test/"
    ],
    worker: ["packages/sql/"]
  },
  calls: {
    // The small client and the console have no Effect, and so neither its clock nor its random numbers.
    "Date.now": ["bench/", "packages/client/src/Calls.ts", "packages/console/src/page/Clock.ts"],
    "new Date()": ["bench/"],
    "Math.random": ["packages/client/src/"],
    "as any": [],
    // They may never end if they are interrupted; the engine's `Race.first` does.
    "Effect.race": races,
    "Effect.raceFirst": races
  }
}

/** Every violation in a tree, by path and line. */
export const check = (repository: Repository, config: TidyConfig = house): ReadonlyArray<Violation> => {
  const manifests = manifestsOf(repository)
  const sources = [...repository.files].filter(([path]) => /\.(tsx?|mts|mjs)$/.test(path))
  const parsed = sources.map(([path, body]) => Source.parse(path, body))
  return [
    ...parsed.flatMap((file) => Source.check(file, config)),
    ...Tree.imports(parsed, manifests),
    ...Tree.markdown(repository, manifests),
    ...Tree.columns(repository, config),
    ...Citations.check(repository)
  ].sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
}

/** One line a violation, as an editor can follow it. */
export const render = (violations: ReadonlyArray<Violation>): string =>
  violations.map(({ rule, path, line, message }) => `${path}:${line} ${rule}: ${message}`).join("\n")
