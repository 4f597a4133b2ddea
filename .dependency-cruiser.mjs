/**
 * Who may import whom. Packages may import only packages that stand before them in `order`, and the README says the same.
 * What a package declares is knip's to check; cycles, direction and borders are checked here.
 */

/** Package to the packages of ours its sources may import. */
const line = {
  client: [],
  react: ["client"],
  console: ["client"],
  engine: [],
  checkout: ["client", "engine"],
  directory: ["engine", "checkout"],
  history: ["engine", "checkout"],
  sql: ["engine", "checkout", "directory"],
  http: ["client", "engine", "checkout"],
  cluster: ["engine", "checkout", "sql"],
  sdk: ["client", "engine", "checkout", "directory", "history", "sql", "http", "cluster"],
  testing: ["engine", "checkout", "history", "sdk"],
  testkit: ["engine", "checkout", "directory", "history", "testing"]
}

const direction = Object.entries(line).map(([name, allowed]) => ({
  name: `direction-${name}`,
  comment: `${name} may import ${allowed.join(", ") || "none of our packages"}`,
  severity: "error",
  from: { path: `^packages/${name}/src/` },
  to: { path: "^packages/", pathNot: `^packages/(${[name, ...allowed].join("|")})/` }
}))

export default {
  forbidden: [
    ...direction,
    {
      name: "no-circle",
      comment: "Files that import one another in a circle cannot be understood one by one",
      severity: "error",
      from: { path: "^(packages|bench|examples)/" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "type-import"] } }
    },
    {
      name: "no-circle-of-types",
      comment:
        "Types of one folder may name one another; folders that do, by types alone too, cannot be read one by one",
      severity: "error",
      from: { path: "^((?:packages|bench)/.+)/[^/]+$" },
      to: { circular: true, via: { pathNot: "^$1/[^/]+$" } }
    },
    {
      name: "pure-packages",
      comment: "engine and checkout import Effect alone, a hash function, what tells a Proxy, and a loader",
      severity: "error",
      from: { path: "^packages/(engine|checkout)/src/" },
      to: { pathNot: "^packages/|(^|/)node_modules/effect/|^(node:)?(crypto|module|util/types)$" }
    },
    {
      name: "by-name",
      comment: "Another package is imported by its name, never by a path into it",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: "^packages/$1/", dependencyTypes: ["local"] }
    },
    {
      name: "found",
      comment: "Every import leads to a file",
      severity: "error",
      from: {},
      to: { couldNotResolve: true }
    }
  ],
  options: {
    doNotFollow: { path: "node_modules|/dist/" },
    // Nest and Next are installed in folders of their own.
    exclude: { path: "/dist/|^examples/frameworks/(nest|next)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "packages/testkit/tsconfig.test.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["onelane-source", "import", "node", "default"],
      mainFields: ["main"]
    }
  }
}
