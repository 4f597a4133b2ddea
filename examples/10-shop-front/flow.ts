/** The states of this shop, for its server and for its page. */
export const flow = {
  name: "shop-front",
  initial: "Cart",
  transitions: {
    Cart: ["Delivery"],
    Delivery: ["Payment", "Cart"],
    Payment: ["Thanks", "Delivery"],
    Thanks: []
  }
} as const
