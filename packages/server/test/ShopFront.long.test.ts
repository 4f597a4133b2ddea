/** The shop front of examples/10-shop-front: over HTTP, and in two windows of a real browser. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { connect } from "@onelane/client"
import { chromiumPath, withBrowser } from "@onelane/testkit/Browser"
import type { flow } from "../../../examples/10-shop-front/flow.js"
import { type Shop, start } from "../../../examples/10-shop-front/shop.js"
import { root } from "./Program.js"

type Browser = Parameters<Parameters<typeof withBrowser>[0]>[0]
type Page = Awaited<ReturnType<Browser["newPage"]>>

const inShop = async (test: (shop: Shop) => Promise<void>): Promise<void> => {
  const shop = await start()
  try {
    await test(shop)
  } finally {
    await shop.close()
  }
}

/** Logs in as a page does, and gives its token function. */
const tokenOf = async ({ url }: Shop, user: string): Promise<() => Promise<string>> => {
  const cookie = (await fetch(`${url}/${user}`)).headers.get("set-cookie")!.split(";")[0]!
  return async () => (await fetch(`${url}/${user}/token`, { headers: { cookie } })).text()
}

const clientOf = async (shop: Shop, user: string) =>
  connect<typeof flow>({ url: shop.api, token: await tokenOf(shop, user), retry: { limit: 20 } })

const cart = { cartId: "cart-1" }

describe("examples/10-shop-front", { timeout: 90_000 }, () => {
  it("serves a page with its script and style, and a token to the one who is logged in alone", () =>
    inShop(async ({ api, url }) => {
      const page = await fetch(`${url}/ann`)
      assert.include(await page.text(), `data-user="ann" data-api="${api}"`)
      assert.include(page.headers.get("content-security-policy"), `connect-src 'self' ${api}`)
      assert.match(page.headers.get("set-cookie")!, /^login=[\w-]+; Path=\/ann; HttpOnly; SameSite=Strict$/)
      for (const [path, type] of [
        ["/page.js", "text/javascript"],
        ["/page.css", "text/css"]
      ] as const) {
        const file = await fetch(url + path)
        assert.deepStrictEqual([file.status, file.headers.get("content-type")], [200, type])
        assert.isAbove((await file.text()).length, 1_000)
      }
      const cookie = page.headers.get("set-cookie")!.split(";")[0]!
      const asked = async (path: string, headers: Record<string, string>): Promise<number> =>
        (await fetch(url + path, { headers })).status
      assert.deepStrictEqual(
        await Promise.all([
          asked("/ann/token", { cookie }),
          asked("/ann/token", {}),
          asked("/bob/token", { cookie }),
          asked("/ann/token", { cookie: "login=" }),
          asked("/carol", {})
        ]),
        [200, 401, 401, 401, 404]
      )
    }))

  it("two clients with tokens of the pages race: one wins, and a stranger sees nothing", () =>
    inShop(async (shop) => {
      const [ann, bob, eve] = await Promise.all([clientOf(shop, "ann"), clientOf(shop, "bob"), clientOf(shop, "eve")])
      const opened = await ann.open(cart)
      const { id: checkoutSessionId } = opened.ok ? opened.value.session : assert.fail(opened.error.message)
      const step = { checkoutSessionId, expCurrentState: "Cart", nextState: "Delivery" } as const
      const answers = await Promise.all([ann.update(step), bob.update(step)])
      assert.lengthOf(
        answers.filter(({ ok }) => ok),
        1
      )
      const seen = await eve.get({ checkoutSessionId })
      assert.strictEqual(seen.ok ? "seen" : seen.error._tag, "SessionInaccessible")
    }))
})

/** A window of a user, at the shop. */
const openWindow = async (browser: Browser, { url }: Shop, user: string): Promise<Page> => {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${url}/${user}`)
  return page
}

/** Waits until the window shows this state as the server's, without a step under way. */
const shows = (page: Page, state: string) =>
  page.waitForSelector(`section[data-state="${state}"][aria-busy="false"]`, { timeout: 30_000 })

const versionIn = async (page: Page): Promise<number> =>
  Number(await (await page.waitForSelector("section[data-version]")).getAttribute("data-version"))

const press = (page: Page, name: string): Promise<void> => page.getByRole("button", { name }).click()

/** Code without the spaces in front of its lines: a page may show it within a list. */
const flat = (text: string): string => text.replaceAll(/^ +/gm, "")

const read = (path: string): string => readFileSync(join(root, path), "utf8")

describe("pages about the shop front", () => {
  it.each(["browser-token", "react"])("docs/recipes/%s.md shows the code of the example as it is", (name) => {
    const sources = ["tokens.ts", "shop.ts", "page.tsx"].map((file) => flat(read(`examples/10-shop-front/${file}`)))
    const shown = [...read(`docs/recipes/${name}.md`).matchAll(/^ *```tsx?\n([\s\S]*?)^ *```$/gm)].map(([, code]) =>
      flat(code!)
    )
    assert.isAtLeast(shown.length, 2)
    for (const code of shown)
      assert.isTrue(
        sources.some((source) => source.includes(code)),
        code
      )
  })
})

describe.skipIf(chromiumPath() === undefined)("two windows of a real browser", { timeout: 120_000 }, () => {
  it("race one button: one moves on, the other goes back and names the winner", () =>
    inShop((shop) =>
      withBrowser(async (browser) => {
        const windows = await Promise.all([openWindow(browser, shop, "ann"), openWindow(browser, shop, "bob")])
        await Promise.all(windows.map((page) => shows(page, "Cart")))
        // Bob's request is held back, so that Ann is first; his window shows his step meanwhile.
        const [ann, bob] = windows as [Page, Page]
        let release = (): void => {}
        const held = new Promise<void>((resolve) => {
          release = resolve
        })
        await bob.route("**/update", async (route) => {
          await held
          await route.continue()
        })
        await press(bob, "Choose delivery")
        assert.strictEqual(await bob.textContent("[aria-current=step]"), "Delivery")
        await press(ann, "Choose delivery")
        await shows(ann, "Delivery")
        await press(ann, "Go to payment")
        await shows(ann, "Payment")
        release()
        await shows(bob, "Payment")
        assert.strictEqual(await bob.textContent("[aria-current=step]"), "Payment")
        assert.strictEqual(await bob.textContent("[role=alert]"), "Ann was first: the checkout is in Payment.")
        assert.strictEqual(await ann.locator("[role=alert]").count(), 0)
        // Without anything held back: whoever wins, the other one is told.
        await bob.unroute("**/update")
        await Promise.all(windows.map((page) => press(page, "Pay now")))
        await Promise.all(windows.map((page) => shows(page, "Thanks")))
        const alerts = await Promise.all(windows.map((page) => page.locator("[role=alert]").allTextContents()))
        assert.deepStrictEqual(
          alerts.flat().filter((text) => text === "Ann was first: the checkout is in Thanks.").length +
            alerts.flat().filter((text) => text === "Bob was first: the checkout is in Thanks.").length,
          1
        )
      })
    ))

  it("show no ghost and miss no change when the server is killed and returns on its file", () =>
    inShop((shop) =>
      withBrowser(async (browser) => {
        const windows = await Promise.all([openWindow(browser, shop, "ann"), openWindow(browser, shop, "bob")])
        await Promise.all(windows.map((page) => shows(page, "Cart")))
        const [ann, bob] = windows as [Page, Page]
        await shop.kill()
        await Promise.all(windows.map((page) => page.getByText("Reconnecting …").waitFor({ timeout: 30_000 })))
        // A step without a server shows at once, and is neither lost nor done twice.
        await press(ann, "Choose delivery")
        assert.strictEqual(await ann.textContent("[aria-current=step]"), "Delivery")
        assert.strictEqual(await bob.textContent("[aria-current=step]"), "Cart")
        await shop.restart()
        await Promise.all(windows.map((page) => shows(page, "Delivery")))
        // What others do as soon as it is back is in both windows.
        const other = await clientOf(shop, "bob")
        const opened = await other.open(cart)
        const { id: checkoutSessionId } = opened.ok ? opened.value.session : assert.fail(opened.error.message)
        await other.update({ checkoutSessionId, expCurrentState: "Delivery", nextState: "Payment" })
        await other.update({ checkoutSessionId, expCurrentState: "Payment", nextState: "Delivery" })
        await shop.kill()
        await shop.restart()
        await other.update({ checkoutSessionId, expCurrentState: "Delivery", nextState: "Cart" })
        await Promise.all(windows.map((page) => shows(page, "Cart")))
        const now = await other.get({ checkoutSessionId })
        const { version } = now.ok ? now.value : assert.fail(now.error.message)
        assert.strictEqual(version, 5)
        assert.deepStrictEqual(await Promise.all(windows.map(versionIn)), [5, 5])
        assert.deepStrictEqual(await Promise.all(windows.map((page) => page.locator("[role=alert]").count())), [0, 0])
        const history = await other.history({ checkoutSessionId })
        assert.deepStrictEqual(history.ok ? history.value.map(({ to }) => to) : [], [
          "Cart",
          "Delivery",
          "Payment",
          "Delivery",
          "Cart"
        ])
      })
    ))

  it("show a stranger nothing", () =>
    inShop((shop) =>
      withBrowser(async (browser) => {
        await shows(await openWindow(browser, shop, "ann"), "Cart")
        const eve = await openWindow(browser, shop, "eve")
        const told = await eve.waitForSelector("[role=alert]")
        assert.strictEqual(await told.textContent(), "There is no checkout for you here.")
        assert.strictEqual(await eve.locator("section").count(), 0)
        const ann = await clientOf(shop, "ann")
        const opened = await ann.open(cart)
        const id = opened.ok ? opened.value.session.id : ""
        const token = await (await tokenOf(shop, "eve"))()
        const status = await eve.evaluate(
          async ([url, bearer]) => (await fetch(url!, { headers: { authorization: `Bearer ${bearer}` } })).status,
          [`${shop.api}/v1/checkout-sessions/${id}`, token]
        )
        assert.strictEqual(status, 400)
      })
    ))
})
