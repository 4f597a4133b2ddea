/** The console in a browser, on `onelane serve` with a file: what an operator does with it. */
import { assert, describe, it } from "@effect/vitest"
import { chromiumPath } from "@onelane/testkit/Browser"
import type { Browser, Page } from "playwright-core"
import { cartOf, ok, type RealServer, race, sharedServer, tokens, withServer } from "./RealServer.js"
import { phone, sharedBrowser, visit } from "./Visit.js"

const browserOf = sharedBrowser()
const serverOf = sharedServer()

const inBrowser = (test: (browser: Browser, server: RealServer) => Promise<void>) => test(browserOf(), serverOf())

/** On a server of its own, which may be killed. */
const onItsOwn = (test: (browser: Browser, server: RealServer) => Promise<void>) =>
  withServer((server) => test(browserOf(), server))

let carts = 0

/** Opens a session on a cart that no other test has. */
const open = async (server: RealServer): Promise<{ readonly id: string; readonly cartId: string }> => {
  const cartId = cartOf(carts++)
  const data = { items: [{ sku: "tea", count: 2 }] }
  return { cartId, id: ok(await server.as("ann").open({ cartId, data })).session.id }
}

const step = async (server: RealServer, id: string, from: string, to: string, data: object = {}) =>
  ok(
    await server
      .as("ann")
      .update({ checkoutSessionId: id, expCurrentState: from, nextState: to, data: data as Record<string, string> })
  )

const asOperator = (server: RealServer, hash = ""): string => `${server.url}/console/${hash}#token=operator-token`

const atSession = (server: RealServer, id: string): string =>
  `${server.url}/console/#/sessions/${id}?token=operator-token`

const deed = async (page: Page, button: string, confirm: string, reason: string): Promise<void> => {
  await page.getByRole("button", { name: `${button}…` }).click()
  const dialog = page.getByRole("dialog")
  assert.isTrue(await dialog.getByRole("button", { name: confirm }).isDisabled())
  await dialog.getByLabel("Reason").fill(reason)
  if (button === "Move") await dialog.getByLabel("To the state").selectOption("Delivery")
  await dialog.getByRole("button", { name: confirm }).click()
  await dialog.waitFor({ state: "hidden" })
}

describe.skipIf(chromiumPath() === undefined)("the console", { timeout: 120_000 }, () => {
  it("shows a race: who won, who lost, what the loser expected and what was true", () =>
    inBrowser(async (browser, server) => {
      const { id } = await open(server)
      const won = await race(server, id, "Basket", "Address")
      const lost = won === "ann" ? "bob" : "ann"
      const { audit, overflow, page, trouble } = await visit(browser, atSession(server, id), phone)
      await page.getByRole("heading", { name: `Race: ${won} won against one call` }).waitFor()
      const loser = page.getByRole("article", { name: `Refused: ${lost}, update to Address` })
      const text = ((await loser.textContent()) ?? "").replace(/\s+/g, " ")
      assert.match(text, /It expected ?Basket/)
      assert.match(text, /True was ?Address, version 2/)
      assert.include(text, "ExpectedStateMismatch")
      assert.include((await page.textContent("main")) ?? "", "A refusal writes nothing")
      // A race that comes while somebody looks is there without a step of theirs.
      await race(server, id, "Address", "Price")
      await page
        .getByRole("heading", { name: /^Race: / })
        .nth(1)
        .waitFor()
      assert.deepStrictEqual(await audit(), [])
      assert.deepStrictEqual(await trouble(), [])
      assert.isAtMost(await overflow(), 0)
    }))

  it("shows who is there, what runs, and how data changed", () =>
    inBrowser(async (browser, server) => {
      const { cartId, id } = await open(server)
      await step(server, id, "Basket", "Address", { shipTo: "Rue Haute 1" })
      await step(server, id, "Address", "Price", { shipTo: "Rue Basse 2" })
      await step(server, id, "Price", "Delivery")
      const { page } = await visit(browser, asOperator(server))
      const row = page.getByRole("row", { name: new RegExp(cartId) })
      await row.getByText("running").waitFor()
      assert.match((await row.textContent()) ?? "", /Price.*→ Delivery.*ann/)
      await row.getByRole("link").click()
      await page.getByRole("heading", { name: "A task runs: work of Price, on the way to Delivery" }).waitFor()
      await page.getByText("1 change of data").first().click()
      const text = (await page.textContent("main")) ?? ""
      for (const each of ["/shipTo", '"Rue Haute 1"', '"Rue Basse 2"', '"sku": "tea"']) assert.include(text, each)
    }))

  it("a stranger's token sees nothing, and is told so; nor does one that the server does not know", () =>
    inBrowser(async (browser, server) => {
      const { cartId, id } = await open(server)
      for (const [token, told] of [
        ["ann-token", "This token is not an operator's"],
        ["host-token", "This token is not an operator's"],
        ["nobody", "The server does not take this token"]
      ]) {
        const { page, trouble } = await visit(browser, `${server.url}/console/#/sessions/${id}?token=${token}`)
        await page.getByRole("alert").getByText(told!).waitFor()
        const text = (await page.textContent("body")) ?? ""
        for (const each of [cartId, "Basket", "Time line"]) assert.notInclude(text, each)
        assert.isNull(await page.evaluate("sessionStorage.getItem('onelane.console.token')"))
        assert.deepStrictEqual(await trouble(), [])
        await page.getByLabel("An operator's token").fill("operator-token")
        await page.keyboard.press("Enter")
        await page.getByRole("heading", { name: cartId }).waitFor()
        await page.close()
      }
    }))

  it("the token of a link leaves the address at once, outlives a reload, and ends with the sign-out", () =>
    inBrowser(async (browser, server) => {
      const { cartId } = await open(server)
      const { page } = await visit(browser, asOperator(server))
      await page.getByRole("link", { name: cartId }).waitFor()
      assert.notInclude(page.url(), "token")
      assert.strictEqual(await page.evaluate("history.length"), 2)
      await page.reload()
      await page.getByRole("link", { name: cartId }).waitFor()
      await page.getByRole("button", { name: "Sign out" }).click()
      await page.getByLabel("An operator's token").waitFor()
      await page.reload()
      await page.getByLabel("An operator's token").waitFor()
      assert.strictEqual(await page.evaluate("sessionStorage.length + localStorage.length + document.cookie.length"), 0)
    }))

  it("release, move and cancel ask for a reason, which the history has with the operator's name", () =>
    inBrowser(async (browser, server) => {
      const { id } = await open(server)
      await step(server, id, "Basket", "Address")
      await step(server, id, "Address", "Price")
      await step(server, id, "Price", "Delivery")
      const { page } = await visit(browser, atSession(server, id))
      await deed(page, "Release claim", "Release claim", "The price service is down")
      await page.getByText("The claim was released.").waitFor()
      await page.getByText("Reason: The price service is down").waitFor()
      await deed(page, "Move", "Move session", "Priced by hand")
      await page.getByText("The session was moved.").waitFor()
      await deed(page, "Cancel session", "Cancel session", "The customer called")
      await page.getByText("Reason: The customer called").waitFor()
      const history = ok(await server.as("operator").history({ checkoutSessionId: id }))
      assert.deepStrictEqual(
        history.slice(-3).map(({ by, reason, type }) => [type, by, reason]),
        [
          ["ClaimReleased", "olga", "The price service is down"],
          ["Moved", "olga", "Priced by hand"],
          ["Cancelled", "olga", "The customer called"]
        ]
      )
      assert.isFalse(await page.getByRole("button", { name: "Cancel session…" }).isVisible())
    }))

  it("an action on a session that has moved on is refused in plain words, and can be confirmed on what is true", () =>
    inBrowser(async (browser, server) => {
      const { id } = await open(server)
      const { audit, page } = await visit(browser, atSession(server, id))
      await page.getByRole("button", { name: "Cancel session…" }).click()
      const dialog = page.getByRole("dialog")
      await dialog.getByLabel("Reason").fill("A test order")
      await step(server, id, "Basket", "Address")
      await dialog.getByRole("button", { name: "Cancel session" }).click()
      const alert = dialog.getByRole("alert")
      await alert.getByText("nothing was done").waitFor()
      assert.match((await alert.textContent()) ?? "", /in Address now, version 2.*ExpectedStateMismatch/)
      assert.deepStrictEqual(await audit(), [])
      await dialog.getByRole("button", { name: "Cancel session" }).click()
      await page.getByText("The session was cancelled.").waitFor()
    }))

  it("says when the server does not answer, keeps what it knows, and goes on when the server is back", () =>
    onItsOwn(async (browser, server) => {
      const { cartId, id } = await open(server)
      const { audit, page } = await visit(browser, atSession(server, id))
      await page.getByRole("heading", { name: cartId }).waitFor()
      await server.kill()
      await page.getByText("The server does not answer.").waitFor()
      await page.getByText("Opened in Basket").waitFor()
      assert.deepStrictEqual(await audit(), [])
      await server.startAgain()
      await page.getByText("The server answers again.").waitFor()
      await race(server, id, "Basket", "Address")
      await page.getByRole("heading", { name: /^Race: / }).waitFor()
      assert.strictEqual(await page.getByText("The server does not answer.").count(), 0)
    }))

  it("a token that is taken no more is told as expired", () =>
    onItsOwn(async (browser, server) => {
      const { cartId } = await open(server)
      const { page } = await visit(browser, asOperator(server))
      await page.getByRole("link", { name: cartId }).waitFor()
      await server.kill()
      const { "operator-token": _, ...others } = tokens
      await server.startAgain(others)
      await page.getByRole("alert").getByText("it has expired, or it was revoked").waitFor()
      assert.notInclude((await page.textContent("body")) ?? "", cartId)
    }))

  it("a session that is not there is told, and an id that is none as well", () =>
    inBrowser(async (browser, server) => {
      for (const [id, told] of [
        ["cs_gone", "There is no such session."],
        ["not%20one", "checkoutSessionId must be 1 to 64 letters"]
      ] as const) {
        const { page, trouble } = await visit(browser, atSession(server, id))
        await page.getByText(told).waitFor()
        assert.deepStrictEqual(await trouble(), [])
      }
    }))

  it("the engine counts what was accepted and refused", () =>
    inBrowser(async (browser, server) => {
      const { id } = await open(server)
      const { audit, page, trouble } = await visit(browser, `${server.url}/console/#/engine?token=operator-token`)
      await page.getByRole("heading", { name: "Nodes and shards" }).waitFor()
      await race(server, id, "Basket", "Address")
      await page.getByRole("row", { name: /refused: ExpectedStateMismatch/ }).waitFor()
      await page.getByText("one node owns every session").waitFor()
      assert.deepStrictEqual(await trouble(), [])
      assert.deepStrictEqual(await audit(), [])
    }))
})
