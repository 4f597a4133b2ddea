/** Shops for the simulator: one that is right, and the same with one fault planted in each. */
import { type Carts, defineApp, Flow } from "@onelane/sdk"
import type { Course, World } from "../src/index.js"

/** What a fault changes in a shop that is right. */
export interface Parts {
  readonly charge?: (world: World, task: { readonly workKey: string; readonly cartId: string }) => Promise<unknown>
  readonly reserve?: (world: World, task: { readonly workKey: string }) => Promise<unknown>
  readonly order?: (world: World, task: { readonly workKey: string; readonly cartId: string }) => Promise<unknown>
  readonly carts?: (world: World) => { readonly find: (cartId: string) => Promise<Carts.Cart> }
}

const charge: NonNullable<Parts["charge"]> = ({ provider }, { cartId, workKey }) =>
  provider.payments.charge({ key: workKey, reference: cartId, amount: 4_200 })

const reserve: NonNullable<Parts["reserve"]> = ({ provider }, { workKey }) =>
  provider.stock.reserve({ key: workKey, sku: "lamp" })

const order: NonNullable<Parts["order"]> = ({ provider }, { cartId, workKey }) =>
  provider.service("orders").call("create", { key: workKey, reference: cartId })

/** A shop: from the cart to the end in one press, through three tasks. */
export const shop =
  (parts: Parts = {}) =>
  (world: World) => {
    const work = { charge, order, reserve, ...parts }
    world.provider.stock.set("lamp", world.provider.stock.left("lamp") || 2)
    const limits = { deadlineMillis: 20_000, retry: { limit: 2, baseMillis: 100 } }
    return defineApp({
      flow: Flow.defineFlow({
        name: "shop",
        initial: "Cart",
        transitions: { Cart: ["Inventory"], Inventory: ["Pay"], Pay: ["Order"], Order: ["Done"], Done: [] },
        proceed: { Inventory: "Pay", Pay: "Order", Order: "Done" },
        tasks: {
          Inventory: { ...limits, run: async ({ workKey }) => void (await work.reserve(world, { workKey })) },
          Pay: {
            ...limits,
            run: async ({ session: { cartId }, workKey }) => void (await work.charge(world, { cartId, workKey }))
          },
          Order: {
            ...limits,
            run: async ({ session: { cartId }, workKey }) => void (await work.order(world, { cartId, workKey }))
          }
        }
      }),
      carts: parts.carts?.(world) ?? world.provider.carts.port
    })
  }

/** Everybody shops until it is over, or they lose patience: `cartOf` says for which cart. */
export const shopping =
  (cartOf: (index: number) => string): Course =>
  async ({ callers, clock }) => {
    const one = async (caller: (typeof callers)[number], index: number): Promise<void> => {
      const opened = await caller.open({ cartId: cartOf(index) })
      if (!opened.ok) return
      const checkoutSessionId = opened.value.session.id
      for (let tries = 0; tries < 4; tries++) {
        const seen = await caller.get({ checkoutSessionId })
        if (seen.ok && seen.value.isArchived) return
        if (seen.ok && seen.value.state === "Cart")
          await caller.update({ checkoutSessionId, expCurrentState: "Cart", nextState: "Inventory" })
        const history = seen.ok && seen.value.state === "Error" ? await caller.history({ checkoutSessionId }) : null
        // Back to the state whose task failed, if that is still so: its work goes on under its work key.
        const expectedVersion = seen.ok ? seen.value.version : 0
        const nextState = history?.ok ? history.value.find(({ version }) => version === expectedVersion)?.from : null
        if (nextState != null)
          await caller.update({ checkoutSessionId, expCurrentState: "Error", nextState, expectedVersion })
        await clock.sleep(8_000)
      }
    }
    await Promise.all(callers.map(one))
  }
