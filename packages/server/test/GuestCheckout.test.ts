/** The checkout of a guest over a whole server: one call opens the cart, one call hands it over at the login. */
import { assert, it } from "@effect/vitest"
import { call } from "./Call.js"
import { serving } from "./Serving.js"

const tokens = {
  shop: { userId: "shop", roles: ["commerce-integrator"] },
  guest: { userId: "guest-7", roles: ["buyer-checkout"] },
  ann: { userId: "ann", roles: ["buyer-checkout"] }
}

it.live(
  "an integration opens a guest's cart in one call; nobody else sees it until it gets an owner",
  () =>
    serving(tokens, async (url) => {
      const open = (token: string, body: object) => call(url, token, "POST", "/v1/checkout-sessions", body)
      const opened = await open("shop", { cartId: "cart-1", ownerId: "guest-7" })
      assert.strictEqual(opened.status, 201, opened.text)
      const path = `/v1/checkout-sessions/${opened.body.session.id}`
      const update = { expCurrentState: "Start", nextState: "Shipping Address" }
      assert.strictEqual((await call(url, "guest", "POST", `${path}/update`, update)).status, 200)
      const missing = await call(url, "ann", "GET", "/v1/checkout-sessions/cs_none")
      assert.deepStrictEqual(await call(url, "ann", "GET", path), missing)
      assert.strictEqual((await open("guest", { cartId: "cart-1", ownerId: "ann" })).body.code, "BAD_REQUEST")
      const handed = await open("shop", { cartId: "cart-1", ownerId: "ann" })
      assert.strictEqual(handed.status, 200, handed.text)
      assert.deepInclude(handed.body.session, { ownerId: "ann", version: 3, state: "Shipping Address" })
      assert.strictEqual((await call(url, "ann", "GET", path)).status, 200)
      assert.deepStrictEqual(
        await call(url, "guest", "GET", path),
        await call(url, "guest", "GET", "/v1/checkout-sessions/cs_none")
      )
      const history = await call(url, "ann", "GET", `${path}/history`)
      assert.deepStrictEqual(
        history.body.entries.map((entry: { readonly type: string }) => entry.type),
        ["Opened", "Updated", "OwnerChanged"]
      )
    }),
  60_000
)
