import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

// What is imported or required adds its own condition; named here, "import" would be imposed on what is required too.
const conditions = ["onelane-source", "node"]

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "bench/test/**/*.test.ts"],
    testTimeout: 30_000,
    pool: "forks",
    server: { deps: { inline: [/@onelane/, /@effect\/vitest/] } }
  }
})
