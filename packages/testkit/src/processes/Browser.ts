/**
 * Browser: a real browser for tests of pages: the Chromium of this machine, without a window. Nothing is downloaded.
 *
 * Owns finding, starting and ending it; does not own the pages.
 */
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const find = (): string | undefined => {
  const given = process.env.ONELANE_CHROMIUM
  if (given !== undefined && given !== "") return isProgram(given) ? given : undefined
  const folders = (process.env.PATH ?? "").split(delimiter)
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isProgram)
}

const missing =
  "There is no Chromium here: tests in a real browser are skipped. Install it, or name it in ONELANE_CHROMIUM."

let isSaid = false

/**
 * The path of Chromium: `ONELANE_CHROMIUM`, or the first one in `PATH`. Undefined if there is none, which is logged
 * once, so that a test can skip (`describe.skipIf(chromiumPath() === undefined)`). **Errors**: throws instead if
 * `ONELANE_REQUIRE_BROWSER` is 1.
 */
export const chromiumPath = (): string | undefined => {
  const path = find()
  if (path !== undefined) return path
  if (process.env.ONELANE_REQUIRE_BROWSER === "1")
    throw new Error(
      "ONELANE_REQUIRE_BROWSER is set, and there is no Chromium: install it, or name it in ONELANE_CHROMIUM"
    )
  if (!isSaid) process.stderr.write(`${missing}\n`)
  isSaid = true
  return undefined
}

/** Starts Chromium, passes it to `use`, and always ends it afterwards. **Errors**: rejects if there is none. */
export const withBrowser = async <A>(use: (browser: Browser) => Promise<A>): Promise<A> => {
  const executablePath = chromiumPath()
  if (executablePath === undefined) throw new Error(missing)
  // Root may not use the sandbox, and the shared memory of a container is small.
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
  })
  try {
    return await use(browser)
  } finally {
    await browser.close()
  }
}
