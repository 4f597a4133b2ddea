/** The types of the small client say the same as those of the service, so that neither can go its own way. */
import { describe, it } from "@effect/vitest"
import type { CheckoutSession, CheckoutSessions, CheckoutError as Service } from "@onelane/checkout"
import { defineFlow } from "@onelane/checkout/Flow"
import type * as Client from "../src/index.js"

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never

const same: ReadonlyArray<true> = [
  true satisfies Same<Client.CheckoutError, Service.CheckoutError>,
  true satisfies Same<Client.CurrentSession, CheckoutSession.CurrentSession>,
  true satisfies Same<Client.Session, CheckoutSession.CheckoutSession>,
  true satisfies Same<Client.HistoryEntry, CheckoutSession.HistoryEntry>,
  true satisfies Same<Client.Opened, CheckoutSessions.Opened>,
  true satisfies Same<Client.Updated, CheckoutSessions.Updated>,
  true satisfies Same<Client.Cancelled, CheckoutSessions.Cancelled>,
  true satisfies Same<Client.Found, CheckoutSessions.Found>,
  true satisfies Same<Client.OpenInput, CheckoutSessions.OpenInput>,
  true satisfies Same<Client.CancelInput, CheckoutSessions.CancelInput>
]

const shop = defineFlow({ name: "shop", initial: "Cart", transitions: { Cart: ["Pay"], Pay: ["Paid"], Paid: [] } })

const typed = async (client: Client.Client<typeof shop>): Promise<void> => {
  const opened = await client.open({ cartId: "c1" })
  if (!opened.ok) return
  const { id: checkoutSessionId, state } = opened.value.session
  const one: "Cart" | "Pay" | "Paid" | "Error" = state
  void one
  await client.update({ checkoutSessionId, expCurrentState: "Cart", nextState: "Pay" })
  // @ts-expect-error: Paid does not follow Cart
  await client.update({ checkoutSessionId, expCurrentState: "Cart", nextState: "Paid" })
  // @ts-expect-error: no state of the flow
  await client.update({ checkoutSessionId, expCurrentState: "Basket", nextState: "Pay" })
}

describe("types", () => {
  it("of the small client are those of the service", () => void [same, typed])
})
