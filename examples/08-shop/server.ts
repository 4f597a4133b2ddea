/**
 * A shop on Express. Start it twice: SHOP_DATABASE and CHECKOUT_STORAGE are urls of PostgreSQL, PROVIDER_URL takes payments,
 * MAIL_URL takes messages (world.ts is both), PORT is optional.
 */
import type { AddressInfo } from "node:net"
import { setTimeout as pause } from "node:timers/promises"
import { Onelane, OnelaneError, type SessionOf } from "@onelane/sdk"
import { toHttp } from "@onelane/sdk/server"
import express, { type NextFunction, type Request, type Response } from "express"
import { app, type flow } from "./app.js"
import { crash } from "./crash.js"
import * as Orders from "./orders.js"
import * as Outbox from "./outbox.js"
import { goOn, reconcile } from "./reconcile.js"

const prices: Readonly<Record<string, number>> = { mug: 1_200, shirt: 2_500 }

await Orders.prepare()
const checkout = await Onelane.open({ ...app, storage: process.env.CHECKOUT_STORAGE! })
await reconcile(checkout)

const stop = new AbortController()
const every = async (millis: number, work: () => Promise<void>): Promise<void> => {
  while (!stop.signal.aborted) {
    await work().catch((error) => console.error(String(error)))
    await pause(millis, undefined, { signal: stop.signal }).catch(() => {})
  }
}
const loops = [every(1_000, () => reconcile(checkout)), every(200, Outbox.send)]

const shown = ({ id, isProcessing, orderId, state, version }: SessionOf<typeof flow>) => {
  return { id, state, isProcessing, orderId, version }
}

const shop = express().use(express.json())

shop.post("/checkouts", async ({ body }, response) => {
  const { cartId, item } = body ?? {}
  const cents = Object.hasOwn(prices, item) ? prices[item] : undefined
  if (typeof cartId !== "string" || cents === undefined)
    return void response.status(400).json({ error: "cartId, item" })
  const { session } = await checkout.openOrThrow({ cartId })
  await Orders.remember(session.id, cartId, cents)
  response.status(201).json(shown(session))
})

shop.get("/checkouts/:id", async ({ params: { id } }, response) => {
  response.json(shown(await checkout.getOrThrow({ checkoutSessionId: id })))
})

shop.post("/checkouts/:id/pay", async ({ params: { id } }, response) => {
  const checkoutSessionId = id
  const before = await checkout.getOrThrow({ checkoutSessionId })
  if (before.state === "Declined")
    await checkout.update({ checkoutSessionId, expCurrentState: "Declined", nextState: "Payment" })
  const purchase = await Orders.press(id)
  if (purchase === undefined) return void response.status(404).json({ error: "no such checkout" })
  await goOn(checkout, purchase)
  const session = await checkout.getOrThrow({ checkoutSessionId }, { wait: "screen", waitMillis: 10_000 })
  crash("before answer")
  response.json(shown(session))
})

shop.use((thrown: unknown, _: Request, response: Response, next: NextFunction) => {
  if (response.headersSent || !(thrown instanceof OnelaneError)) return next(thrown)
  const { body, headers, status } = toHttp(thrown)
  response.writeHead(status, headers).end(body)
})

const server = shop.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
})

process.once("SIGTERM", async () => {
  stop.abort()
  await new Promise((resolve) => server.close(resolve))
  await Promise.all(loops)
  await checkout.close()
  await Orders.close()
})
