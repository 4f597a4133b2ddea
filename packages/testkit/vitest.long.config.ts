import { defineConfig } from "vitest/config"
import { base } from "./vitest.config.js"

/** The long forms: `npm run test:long`, and `.ci/run`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    pool: "forks",
    include: ["packages/*/test/**/*.long.test.ts", "bench/test/**/*.long.test.ts"]
  }
})
