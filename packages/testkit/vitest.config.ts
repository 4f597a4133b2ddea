import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

// What is imported or required adds its own condition; named here, "import" would be imposed on what is required too.
const conditions = ["onelane-source", "node"]

const testsOf = (...names: ReadonlyArray<string>) => names.map((name) => `packages/${name}/test/**/*.test.ts`)

/** Tests whose files share one thread, a group after the other: Effect is loaded twice, not 60 times. */
const shared = {
  rules: testsOf("engine", "history", "directory", "checkout"),
  sdk: testsOf("sdk")
}

/** Of those packages, what needs a process of its own: real signals. */
const alone = ["packages/sdk/test/Process.test.ts"]

const other = ["packages/*/test/**/*.test.ts", "bench/test/**/*.test.ts"]

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    testTimeout: 30_000,
    poolOptions: {
      threads: { minThreads: 1, maxThreads: 1, isolate: false },
      // More than one, for half of these tests' time is waiting: for other processes, disks and clocks.
      forks: { minForks: 1, maxForks: availableParallelism() }
    },
    server: { deps: { inline: [/@onelane/, /@effect\/vitest/] } },
    projects: [
      ...Object.entries(shared).map(([name, include]) => ({
        extends: true as const,
        test: { name, include, exclude: alone, pool: "threads" as const }
      })),
      {
        extends: true,
        test: { name: "alone", include: other, exclude: Object.values(shared).flat(), pool: "forks" }
      },
      { extends: true, test: { name: "processes", include: alone, pool: "forks" } }
    ]
  }
})
