import { assert, describe, it, vi } from "@effect/vitest"
import { chromiumPath, withBrowser } from "../src/processes/Browser.js"

const settings = ["ONELANE_CHROMIUM", "ONELANE_REQUIRE_BROWSER"] as const

/** Runs with these settings, and puts back those of before. */
const having = (given: Partial<Record<(typeof settings)[number], string>>, test: () => void): void => {
  const before = settings.map((name) => [name, process.env[name]] as const)
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  for (const name of settings) set(name, given[name])
  try {
    test()
  } finally {
    for (const [name, value] of before) set(name, value)
  }
}

describe("chromiumPath", () => {
  it("is the named program, or undefined with one warning if that program cannot run", () => {
    const said = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    try {
      having({ ONELANE_CHROMIUM: process.execPath }, () => assert.strictEqual(chromiumPath(), process.execPath))
      having({ ONELANE_CHROMIUM: "/no/such/program" }, () => assert.isUndefined(chromiumPath()))
      having({ ONELANE_CHROMIUM: import.meta.filename }, () => assert.isUndefined(chromiumPath()))
      assert.isAtMost(said.mock.calls.length, 1)
      for (const [text] of said.mock.calls) assert.match(String(text), /^There is no Chromium here: .*\.\n$/)
    } finally {
      said.mockRestore()
    }
  })

  it("a browser that is required and missing fails", () =>
    having({ ONELANE_CHROMIUM: "/no/such/program", ONELANE_REQUIRE_BROWSER: "1" }, () =>
      assert.throws(chromiumPath, /^ONELANE_REQUIRE_BROWSER is set, and there is no Chromium/)
    ))
})

describe.skipIf(chromiumPath() === undefined)("withBrowser", { timeout: 90_000 }, () => {
  it("shows a page, and ends the browser although its user fails", async () => {
    const title = await withBrowser(async (browser) => {
      const page = await browser.newPage()
      await page.setContent("<title>a page</title>")
      return page.title()
    })
    assert.strictEqual(title, "a page")
    let isOpen = () => true
    const failed = withBrowser((browser) => {
      isOpen = () => browser.isConnected()
      return Promise.reject(new Error("the test failed"))
    })
    assert.strictEqual(await failed.catch(String), "Error: the test failed")
    assert.isFalse(isOpen())
  })
})
