/** Keep items, address and e-mail in the session itself: one commit with the state, checked by a schema of yours. */
import { Flow, Onelane } from "@onelane/sdk"
import { Schema } from "effect"

const Data = Schema.Struct({
  email: Schema.optional(Schema.String.pipe(Schema.pattern(/@/))),
  items: Schema.Array(Schema.Struct({ sku: Schema.String, quantity: Schema.Int.pipe(Schema.positive()) })),
  address: Schema.optional(Schema.Struct({ city: Schema.String, street: Schema.optional(Schema.String) }))
})

const flow = Flow.defineFlow({
  name: "shop",
  initial: "Cart",
  transitions: { Cart: ["Address"], Address: ["Payment"], Payment: ["Done"], Done: [] },
  data: Data // or a schema of zod, valibot, …
})

await using checkout = await Onelane.open({ storage: ":memory:", flow })
const { session } = await checkout.openOrThrow({ cartId: "cart-1", data: { items: [{ sku: "tea", quantity: 1 }] } })
const checkoutSessionId = session.id

// The state and the data move together, or neither does.
const moved = await checkout.updateOrThrow({
  checkoutSessionId,
  expCurrentState: "Cart",
  nextState: "Address",
  data: { email: "ann@shop.example", address: { city: "Ulm", street: "Weg 1" } }
})
console.log(moved.session.state, JSON.stringify(moved.session.data))

// An edit in place: equal states, and the version that was seen. Null removes a member.
const edit = { checkoutSessionId, expCurrentState: "Address", nextState: "Address" } as const
const edited = await checkout.updateOrThrow({ ...edit, expectedVersion: 2, data: { address: { street: null } } })
console.log(JSON.stringify(edited.session.data.address))

// A second browser that saw version 2, too, changes nothing.
const late = await checkout.update({ ...edit, expectedVersion: 2, data: { email: "bob@shop.example" } })
if (!late.ok) console.log(late.error._tag)

// What the schema does not accept is refused with paths, never with values.
const wrong = await checkout.update({ ...edit, expectedVersion: 3, data: { items: [{ sku: "tea", quantity: 0 }] } })
if (!wrong.ok && wrong.error._tag === "InvalidData") console.log(wrong.error.reason, wrong.error.paths.join(", "))

for (const { data, type, version } of await checkout.historyOrThrow({ checkoutSessionId }))
  console.log(version, type, JSON.stringify(data))
