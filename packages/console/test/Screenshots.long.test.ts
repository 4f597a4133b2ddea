/**
 * The pictures of the documents, taken from a server with a real race: light, dark and on a phone. `npm run screenshots` writes them to
 * `docs/images`; as a test they go nowhere, and must be what pages show: not too large, and of a page without trouble.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import { chromiumPath, withBrowser } from "@onelane/testkit/Browser"
import { root } from "@onelane/testkit/Program"
import type { Browser } from "playwright-core"
import { cartOf, cartsMaxCount, ok, type RealServer, race, withServer } from "./RealServer.js"
import { type Look, phone, visit } from "./Visit.js"

const { ONELANE_SCREENSHOTS: wanted } = process.env

const bytesMaxCount = 150_000

const way = ["Basket", "Address", "Price", "Delivery", "Payment"] as const

/** Opens a session and takes it so many steps; at the states with work it stays claimed. */
const walk = async (server: RealServer, index: number, steps: number): Promise<string> => {
  const ann = server.as("ann")
  const data = { items: [{ sku: "tea", count: 1 + (index % 4) }] }
  const { session } = ok(await ann.open({ cartId: cartOf(index), data }))
  const checkoutSessionId = session.id
  for (let at = 0; at < steps; at++) {
    const [expCurrentState, nextState] = [way[at]!, way[at + 1]!]
    const { session: now } = ok(await ann.update({ checkoutSessionId, expCurrentState, nextState }))
    if (now.operationId === null) continue
    const operation = { checkoutSessionId, operationId: now.operationId }
    if (at + 1 === steps) {
      if (index % 9 === 0)
        await server.as("host").failTask({ ...operation, code: "PRICE_UNKNOWN", message: "No price" })
      break
    }
    ok(await server.as("host").completeTask({ ...operation, data: { price: 1_200 + index } }))
  }
  return checkoutSessionId
}

/** A checkout with two races, work that was tried, and data that changed. */
const story = async (server: RealServer): Promise<string> => {
  const { session } = ok(
    await server.as("ann").open({ cartId: "cart-1007", data: { items: [{ sku: "tea", count: 2 }], coupon: "SPRING" } })
  )
  const checkoutSessionId = session.id
  await race(server, checkoutSessionId, "Basket", "Address")
  const address = { shipTo: { name: "Ann", street: "Rue Haute 1", city: "Liège" }, coupon: null }
  ok(
    await server
      .as("ann")
      .update({ checkoutSessionId, expCurrentState: "Address", nextState: "Price", data: address as never })
  )
  await race(server, checkoutSessionId, "Price", "Delivery")
  return checkoutSessionId
}

const shoot = async (browser: Browser, folder: string, name: string, url: string, ready: string, look: Look) => {
  const { page, trouble } = await visit(browser, url, look)
  await page.waitForSelector(ready)
  await page.waitForTimeout(name.includes("engine") ? 9_000 : 400)
  await page.screenshot({ path: join(folder, `${name}.png`) })
  assert.deepStrictEqual(await trouble(), [], name)
  await page.close()
}

describe.skipIf(chromiumPath() === undefined)("the pictures of the documents", { timeout: 180_000 }, () => {
  it("are of a page with a race, and have 150 kB at most each", () =>
    withServer((server) =>
      withBrowser(async (browser) => {
        const folder = wanted === undefined ? mkdtempSync(join(tmpdir(), "onelane-pictures-")) : join(root, wanted)
        mkdirSync(folder, { recursive: true })
        for (let index = 8; index < 40; index++) await walk(server, index, index % way.length)
        const id = await story(server)
        const at = (hash: string): string => `${server.url}/console/#${hash}?token=operator-token`
        const one = `/sessions/${id}`
        const wide = { width: 1180, height: 860 }
        const dark = { ...wide, scheme: "dark" } as const
        await shoot(browser, folder, "console-session", at(one), ".race", { ...wide, height: 1_120 })
        await shoot(browser, folder, "console-session-dark", at(one), ".race", { ...dark, height: 1_120 })
        await shoot(browser, folder, "console-session-phone", at(one), ".race", phone)
        await shoot(browser, folder, "console-sessions", at("/sessions"), "table.sessions a", wide)
        await shoot(browser, folder, "console-sessions-dark", at("/sessions"), "table.sessions a", dark)
        const races = raceOn(server, 40)
        await shoot(browser, folder, "console-engine", at("/engine"), "#cluster", wide)
        await shoot(browser, folder, "console-engine-phone", at("/engine"), "#cluster", { ...phone, scheme: "dark" })
        await races()
        for (const name of [
          "session",
          "session-dark",
          "session-phone",
          "sessions",
          "sessions-dark",
          "engine",
          "engine-phone"
        ])
          assert.isBelow(statSync(join(folder, `console-${name}.png`)).size, bytesMaxCount, name)
        if (wanted === undefined) rmSync(folder, { recursive: true })
      })
    ))
})

/** Races on further carts, until it is told to stop. */
const raceOn = (server: RealServer, from: number): (() => Promise<void>) => {
  let isOver = false
  const run = async (): Promise<void> => {
    for (let index = from; !isOver && index < cartsMaxCount; index++) {
      const { session } = ok(await server.as("ann").open({ cartId: cartOf(index) }))
      await race(server, session.id, "Basket", "Address")
      if (index % 3 === 0) await race(server, session.id, "Address", "Price")
      await pause(15 + 60 * Math.abs(Math.sin(index / 25)))
    }
  }
  const ended = run()
  return () => {
    isOver = true
    return ended
  }
}
