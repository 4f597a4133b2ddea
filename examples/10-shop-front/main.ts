/**
 * A shop front in React: two browser windows on one checkout. Press the same button in both: one window moves on, the
 * other undoes its step and shows who was first.
 *
 *   npm run shop-front
 */
import { start } from "./shop.js"

const shop = await start(Number(process.argv[2] ?? 3000))
console.log(`The shop is at ${shop.url}: open Ann's window and Bob's window. Ctrl+C ends it.`)
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void shop.close().then(() => process.exit(0)))
