/** What a host may write around the SDK: every export here has a type that its declaration can name. Compiled by a test. */
import { Caller, type CheckoutError, Flow, Onelane, OnelaneError } from "@onelane/sdk"
import { Effect } from "effect"

export const openShop = () => Onelane.open({ storage: ":memory:" })
export const openWithDirectory = () => Onelane.open({ storage: ":memory:", directory: true })
export const connectShop = (token: string) => Onelane.connect({ url: "http://127.0.0.1:8080", token })
export const layer = Onelane.layer({ storage: ":memory:" })
export const layerRemote = Onelane.layerRemote({ url: "http://127.0.0.1:8080", token: "t" })
export const withDirectory = Onelane.layerWithDirectory({ storage: ":memory:" })
export const flow = Flow.defineFlow({ name: "shop", initial: "A", transitions: { A: ["B"], B: [] } })
export const openFlow = () => Onelane.open({ storage: ":memory:", flow })
export const start = async (cartId: string) => (await openShop()).open({ cartId })
export const startOrThrow = async (cartId: string) => (await openShop()).openOrThrow({ cartId })
export const move = async (id: string) =>
  (await openShop()).update({ checkoutSessionId: id, expCurrentState: "Start", nextState: "Inventory" })
export const moveOrThrow = async (id: string) =>
  (await openShop()).updateOrThrow({ checkoutSessionId: id, expCurrentState: "Start", nextState: "Inventory" })
export const read = async (id: string) => (await openShop()).get({ checkoutSessionId: id })
export const past = async (id: string) => (await openShop()).history({ checkoutSessionId: id })
export const watch = async (id: string) => (await openShop()).changes({ checkoutSessionId: id })
export const prune = async () => (await openShop()).prune({ archivedBefore: new Date(0) } as never)
export const backup = async () => (await openShop()).backup("x")
export const ann = Caller.make("ann", ["buyer-checkout"])
export const asAnn = async () => (await openShop()).as(ann)
export const dir = async () => (await openWithDirectory()).directory
export const wrapped = { open: openShop, connect: connectShop, move }
export class Shop {
  static make = async () => new Shop(await openShop())
  constructor(readonly checkout: Awaited<ReturnType<typeof openShop>>) {}
  cancel = (id: string) => this.checkout.cancel({ checkoutSessionId: id })
  error = (e: unknown) => (e instanceof OnelaneError ? e.error : null)
}
export const errors = (e: CheckoutError.CheckoutError) => e._tag
export const program = Effect.provide(Effect.void, layer)
export const task = Flow.withTasks(flow, { A: { run: async () => undefined } as never })
