import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const conditions = ["onelane-source", "node", "import", "default"]

export default defineConfig({
  root: fileURLToPath(new URL("../..", import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    testTimeout: 30_000,
    pool: "forks",
    server: { deps: { inline: [/@onelane/, /@effect\/vitest/] } }
  }
})
