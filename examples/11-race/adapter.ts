/** The adapter from a race to the checkout of shop.ts: `onelane race http://127.0.0.1:3000 --adapter adapter.js`. */
import { type Answer, defineAdapter, type RaceHttp } from "@onelane/server/race"

const post = async (
  http: RaceHttp,
  path: string,
  body: object = {}
): Promise<Answer & { readonly session?: string }> => {
  const { json, status } = await http({ method: "POST", path, body })
  if (status >= 500) return { outcome: "unknown" }
  if (status !== 200) return { outcome: "refused" }
  const { closed, id, state } = json as { readonly id: number; readonly state: string; readonly closed: boolean }
  return { outcome: "accepted", session: String(id), seen: { state, archived: closed } }
}

export default defineAdapter({
  name: "shop",
  initial: "cart",
  transitions: { cart: ["address", "pickup"], address: ["payment"], pickup: ["payment"], payment: ["done"], done: [] },
  keys: "none",
  create: ({ http }) => post(http, "/checkouts"),
  read: async ({ http, session }) => {
    const { json, status } = await http({ method: "GET", path: `/checkouts/${session}` })
    if (status !== 200) return { outcome: "unknown" }
    const { closed, state } = json as { readonly state: string; readonly closed: boolean }
    return { outcome: "accepted", seen: { state, archived: closed } }
  },
  update: ({ expected, http, next, session }) => post(http, `/checkouts/${session}/move`, { from: expected, to: next }),
  cancel: ({ http, session }) => post(http, `/checkouts/${session}/cancel`)
})
