import { Onelane } from "@onelane/sdk"
const c = await Onelane.open({ storage: ":memory:", flow: "any" })
const heap = () => { for (let i=0;i<4;i++) gc(); return process.memoryUsage().heapUsed }
let base = heap(), n = 0
for (const to of [5000,10000,20000,40000,60000,100000,140000,200000,260000]) {
  for (; n < to; n++) {
    const { session } = await c.openOrThrow({ cartId: `cart-${n}` })
    await c.updateOrThrow({ checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Complete" })
  }
  await new Promise(r => setTimeout(r, 3000))
  const h = heap(); console.log(n, (h-base)/1e6, "MB", Math.round((h-base)/n), "B each"); 
}
await c.close?.()
