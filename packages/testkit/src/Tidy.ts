/**
 * Tidy: the style of this repository as a test (STYLE, rule 11). Takes a tree, gives back every violation; an empty
 * list means tidy. Rules on one source file are in `TidySource`, those on the tree in `TidyTree`,
 * those on what is cited in `TidyCitations`.
 *
 * Owns the limits, the lists of words and calls, the straight line of packages, and the few places that are excused.
 */
import { manifestsOf, type Repository } from "./Repository.js"
import * as Citations from "./TidyCitations.js"
import * as Source from "./TidySource.js"
import * as Tree from "./TidyTree.js"

/** The rules, by the name a violation carries. */
export type Rule =
  | "file length"
  | "function length"
  | "banned word"
  | "banned call"
  | "whole import"
  | "docstring"
  | "import direction"
  | "undeclared import"
  | "unused dependency"
  | "stale name"
  | "stale citation"
  | "stale link"

/** One thing to put right. */
export interface Violation {
  readonly rule: Rule
  readonly path: string
  readonly line: number
  readonly message: string
}

/** What is allowed, and where it is not applied. */
export interface TidyConfig {
  readonly fileLines: number
  readonly functionLines: number
  /** A word that no name may hold, and the paths (prefixes) where it may. */
  readonly words: Readonly<Record<string, ReadonlyArray<string>>>
  /** A call or cast that no file may hold, and the paths (prefixes) where it may. */
  readonly calls: Readonly<Record<string, ReadonlyArray<string>>>
  /** A module that costs a program's start too much as a whole, and the paths (prefixes) whose files name its parts. */
  readonly parts: Readonly<Record<string, ReadonlyArray<string>>>
  /** Package directory to the workspaces its sources may import. A directory that is not listed may import all. */
  readonly line: Readonly<Record<string, ReadonlyArray<string>>>
  /** Package directory to the only other packages its sources may import; not listed: whatever it declares. */
  readonly outside: Readonly<Record<string, ReadonlyArray<string>>>
}

/** The rules of this repository. Source: STYLE and HOUSE. */
export const house: TidyConfig = {
  fileLines: 400,
  functionLines: 60,
  words: {
    manager: [],
    util: [],
    helper: [],
    common: [],
    data: [],
    info: [],
    lock: [],
    mutex: [],
    grain: [],
    handler: ["packages/http/", "packages/server/"],
    worker: ["packages/sql/"]
  },
  calls: {
    console: [".ci/", "examples/", "bench/"],
    "Date.now": ["bench/"],
    "new Date()": ["bench/"],
    "Math.random": [],
    // The valve's test is about real timers.
    setTimeout: ["packages/engine/test/FairnessValve.test.ts"],
    setInterval: ["packages/engine/test/FairnessValve.test.ts"],
    "as any": []
  },
  parts: {
    effect: ["engine", "checkout", "sql", "http", "sdk", "cluster", "server"].map((name) => `packages/${name}/src/`)
  },
  line: {
    "packages/engine": [],
    "packages/checkout": ["@onelane/engine"],
    "packages/directory": ["@onelane/engine", "@onelane/checkout"],
    "packages/history": ["@onelane/checkout"],
    "packages/sql": ["@onelane/engine", "@onelane/checkout", "@onelane/directory"],
    "packages/http": ["@onelane/engine", "@onelane/checkout"],
    "packages/sdk": [
      "@onelane/engine",
      "@onelane/checkout",
      "@onelane/directory",
      "@onelane/history",
      "@onelane/sql",
      "@onelane/http"
    ],
    "packages/cluster": ["@onelane/engine", "@onelane/checkout", "@onelane/sql"],
    "packages/testkit": ["@onelane/engine", "@onelane/checkout", "@onelane/directory", "@onelane/history"]
  },
  outside: {
    "packages/engine": ["effect"],
    "packages/checkout": ["effect"],
    "packages/directory": ["effect"],
    "packages/history": ["effect"]
  }
}

/** Every violation in a tree, by path and line. */
export const check = (repository: Repository, config: TidyConfig = house): ReadonlyArray<Violation> => {
  const manifests = manifestsOf(repository)
  const sources = [...repository.files].filter(([path]) => /\.(ts|mts|mjs)$/.test(path))
  const parsed = sources.map(([path, body]) => Source.parse(path, body))
  return [
    ...parsed.flatMap((file) => Source.check(file, config)),
    ...Tree.imports(parsed, manifests, config),
    ...Tree.dependencies(parsed, manifests, repository),
    ...Tree.markdown(repository, manifests),
    ...Citations.check(repository)
  ].sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
}

/** One line a violation, as an editor can follow it. */
export const render = (violations: ReadonlyArray<Violation>): string =>
  violations.map(({ rule, path, line, message }) => `${path}:${line} ${rule}: ${message}`).join("\n")
