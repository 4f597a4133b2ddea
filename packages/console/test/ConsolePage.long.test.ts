/** The page in a browser, on a server whose figures the test gives: long lists, every state, every theme and size. */
import { assert, describe, it } from "@effect/vitest"
import { chromiumPath } from "@onelane/testkit/Browser"
import type { Browser } from "playwright-core"
import * as World from "./FakeServer.js"
import { type Look, phone, sharedBrowser, visit } from "./Visit.js"

const everything = {
  sessions: World.sessions(2_500),
  inspected: World.inspected,
  history: World.history
}

const browserOf = sharedBrowser()

const inBrowser = async (
  test: (browser: Browser, server: World.FakeServer) => Promise<void>,
  world: object = everything
) => {
  const server = await World.start(world)
  try {
    await test(browserOf(), server)
  } finally {
    await server.close()
  }
}

const pages = {
  list: { hash: "#/sessions", ready: "table.sessions tbody a" },
  session: { hash: "#/sessions/cs_000001", ready: ".race" },
  engine: { hash: "#/engine", ready: ".bars rect" }
} as const

/** Each scheme and each size once: a colour does not depend on the width, nor a width on the colours. */
const looks: Readonly<Record<string, Look>> = {
  light: {},
  "dark on a phone": { ...phone, scheme: "dark" }
}

describe.skipIf(chromiumPath() === undefined)("the page of the console", { timeout: 120_000 }, () => {
  for (const [name, look] of Object.entries(looks))
    it(`${name}: axe finds nothing, the policy refuses nothing, and nothing is wider than the window`, () =>
      inBrowser(async (browser, { url, world }) => {
        for (const [which, { hash, ready }] of Object.entries(pages)) {
          world.stats = World.stats(0)
          const visited = await visit(browser, `${url}/console/${hash}?token=operator`, look)
          if (which === "engine") await visited.page.waitForSelector("#cluster")
          world.stats = World.stats(2)
          await visited.page.waitForSelector(ready)
          assert.deepStrictEqual(await visited.trouble(), [], which)
          assert.deepStrictEqual(await visited.audit(), [], which)
          assert.isAtMost(await visited.overflow(), 0, which)
          await visited.page.close()
        }
        const stranger = await visit(browser, `${url}/console/`, look)
        await stranger.page.waitForSelector("form")
        assert.deepStrictEqual(await stranger.audit(), [])
        assert.isAtMost(await stranger.overflow(), 0)
      }))

  it("what these tests look for would be found: a style in the page, an image without a text, a wide line", () =>
    inBrowser(async (browser, { url }) => {
      const { audit, overflow, page, trouble } = await visit(browser, `${url}/console/`, phone)
      await page.waitForSelector("form")
      const planted = "<p style='color: red'>A</p><img src='icon.svg'><pre id='wide'>B</pre>"
      await page.evaluate(`document.body.insertAdjacentHTML("beforeend", ${JSON.stringify(planted)})`)
      await page.evaluate("document.getElementById('wide').style.width = '900px'")
      assert.match((await trouble()).join(), /style-src/)
      assert.match((await audit()).join(), /image-alt/)
      assert.isAbove(await overflow(), 0)
    }))

  it("an open dialog has no violation either, begins where one writes, and gives the focus back", () =>
    inBrowser(async (browser, { url }) => {
      const { audit, overflow, page } = await visit(
        browser,
        `${url}/console/#/sessions/cs_000001?token=operator`,
        phone
      )
      await page.getByRole("button", { name: "Release claim…" }).focus()
      await page.keyboard.press("Enter")
      await page.getByRole("dialog", { name: "Release the claim?" }).waitFor()
      assert.strictEqual(await page.evaluate("document.activeElement.id"), "reason")
      assert.deepStrictEqual(await audit(), [])
      assert.isAtMost(await overflow(), 0)
      await page.keyboard.press("Escape")
      await page.getByRole("dialog").waitFor({ state: "hidden" })
      assert.strictEqual(await page.evaluate("document.activeElement.textContent"), "Release claim…")
    }))

  it("100,000 sessions are one page for the browser: it draws what is in view and reads as somebody scrolls", () =>
    inBrowser(
      async (browser, { url, world }) => {
        const { page } = await visit(browser, `${url}/console/#token=operator`)
        await page.waitForSelector("table.sessions tbody a")
        const rows = page.locator("table.sessions tbody:not(.space) tr")
        assert.isAtMost(await rows.count(), 60)
        assert.isAtMost(world.calls["sessions.list"]!, 2)
        assert.match((await rows.first().textContent()) ?? "", /failed/)
        for (let index = 0; index < 25; index++) {
          await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
          await page.waitForTimeout(60)
        }
        const read = Number(/([\d,]+) read/.exec((await page.textContent("#known")) ?? "")?.[1]?.replaceAll(",", ""))
        assert.isAbove(read, 2_000)
        assert.isAtMost(await rows.count(), 60)
        const last = await rows.last().getAttribute("aria-rowindex")
        assert.isAbove(Number(last), 2_000)
      },
      { sessions: World.sessions(100_000) }
    ))

  it("arrow keys go from row to row, and Enter opens the session", () =>
    inBrowser(async (browser, { url }) => {
      const { page } = await visit(browser, `${url}/console/#token=operator`)
      await page.locator("table.sessions tbody a").first().focus()
      for (let index = 0; index < 45; index++) {
        await page.keyboard.press("ArrowDown")
        await page.waitForSelector(`a[data-index="${index + 1}"]:focus`)
      }
      await page.keyboard.press("Enter")
      await page.waitForSelector(".race")
      assert.match(page.url(), /#\/sessions\/cs_000045$/)
      assert.strictEqual(await page.evaluate("document.activeElement.tagName"), "H1")
    }))

  it("a change shows by itself, and a paused list stays as it is", () =>
    inBrowser(async (browser, { url, world }) => {
      const { page } = await visit(browser, `${url}/console/#token=operator`)
      const first = page.locator("table.sessions tbody:not(.space) tr").first()
      await first.waitFor()
      const change = (version: number): void => {
        const [session, ...others] = world.sessions
        world.sessions = [{ ...session!, version }, ...others]
      }
      change(77)
      await first.getByText("77", { exact: true }).waitFor()
      await page.getByLabel("Live").uncheck()
      change(78)
      await page.waitForTimeout(2_500)
      assert.isFalse(await first.getByText("78", { exact: true }).isVisible())
      await page.getByLabel("Live").check()
      await first.getByText("78", { exact: true }).waitFor()
    }))

  it("kinds, states and a search narrow the list, and are in the address", () =>
    inBrowser(async (browser, { url }) => {
      const { page } = await visit(browser, `${url}/console/#token=operator`)
      await page.getByRole("link", { name: /^Stuck/ }).click()
      await page.getByText("1 session", { exact: true }).waitFor()
      assert.include(page.url(), "show=stuck")
      await page.getByRole("link", { name: /^Live/ }).click()
      await page.getByLabel("Session or cart begins with").fill("cart-00123")
      await page.getByText("10 sessions", { exact: true }).waitFor()
      assert.include(page.url(), "q=cart-00123")
      await page.getByLabel("Session or cart begins with").fill("nobody")
      await page.getByText("No session fits.").waitFor()
    }))

  it("a session shows its late result, and says which refusals are not there", () =>
    inBrowser(async (browser, { url }) => {
      const { page } = await visit(browser, `${url}/console/#/sessions/cs_000001?token=operator`)
      await page.getByRole("heading", { name: "A result came too late" }).waitFor()
      const text = (await page.textContent("main")) ?? ""
      for (const each of [
        "order-7",
        "A refusal writes nothing",
        "3 older ones were pushed out",
        "No answer from 127.0.0.1:8082",
        "Two of three are there",
        "Reason: The stock is corrected",
        "Its deadline is over",
        "Race: ann won against 2 calls"
      ])
        assert.include(text, each)
    }))

  it("the engine's rates are those of its counters", () =>
    inBrowser(async (browser, { url, world }) => {
      world.stats = World.stats(0)
      const { page } = await visit(browser, `${url}/console/#/engine?token=operator`)
      await page.waitForSelector("#cluster")
      world.stats = World.stats(2)
      const row = (name: string) => page.getByRole("row", { name })
      await row("accepted 100").waitFor()
      await row("refused: ExpectedStateMismatch 50").waitFor()
      await row("refused: SessionProcessing 10").waitFor()
      await page.getByText("100 of 300").waitFor()
    }))
})
