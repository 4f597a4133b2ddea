import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

// What is imported or required adds its own condition; named here, "import" would be imposed on what is required too.
const conditions = ["onelane-source", "node"]

const testsOf = (...names: ReadonlyArray<string>) => names.map((name) => `packages/${name}/test/**/*.test.ts`)

/** Long forms, which the newcomer's run leaves out (vitest.long.config.ts). */
const long = ["**/*.long.test.ts"]

/** Tests whose files share one thread. */
const threads = {
  rules: testsOf("engine", "history", "directory", "checkout"),
  // Its subfolders start databases, which a thread cannot.
  sdk: ["packages/sdk/test/*.test.ts"]
}

/** Tests that need a process of their own: real signals, and the simulator, which looks for timers that are not its own. */
const alone = [
  "packages/sdk/test/Process.test.ts",
  "packages/testing/test/Simulate.test.ts",
  "packages/testing/test/TenMinutes.test.ts"
]

const all = ["packages/*/test/**/*.test.ts", "bench/test/**/*.test.ts"]

/**
 * What both runs share. Files share threads and processes, so that Effect is loaded a few times and not a hundred; each begins
 * with the methods of `it` as they came (vitest.setup.ts).
 */
export const base = {
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    testTimeout: 30_000,
    globalSetup: [fileURLToPath(new URL("programs.mjs", import.meta.url))],
    setupFiles: [fileURLToPath(new URL("vitest.setup.ts", import.meta.url))],
    poolOptions: {
      threads: { minThreads: 1, maxThreads: 1, isolate: false },
      // More than one, for half of these tests' time is waiting: for other processes, disks and clocks.
      forks: { minForks: 1, maxForks: availableParallelism(), isolate: false }
    },
    server: { deps: { inline: [/@onelane/, /@effect\/vitest/] } }
  }
}

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: [
      ...Object.entries(threads).map(([name, include]) => ({
        extends: true as const,
        test: { name, include, exclude: [...alone, ...long], pool: "threads" as const }
      })),
      {
        extends: true,
        test: {
          name: "forks",
          include: all,
          exclude: [...Object.values(threads).flat(), ...alone, ...long],
          pool: "forks"
        }
      },
      {
        extends: true,
        test: { name: "alone", include: alone, pool: "forks", poolOptions: { forks: { isolate: true } } }
      }
    ]
  }
})
