/**
 * A program that awaits a watched session and closes its checkout on the way. Says how the watching ended.
 * Usage: shutdown <storage>, or shutdown <url> <token> <session>
 */
import { Onelane } from "@onelane/sdk"

const [where, token, id] = process.argv.slice(2)
const say = (line) => process.stdout.write(`${line}\n`)
const checkout =
  token === undefined ? await Onelane.open({ storage: where }) : await Onelane.connect({ url: where, token })
const checkoutSessionId = id ?? (await checkout.openOrThrow({ cartId: "cart-1" })).session.id
setTimeout(() => checkout.close(), 200)
try {
  for await (const { type } of checkout.changes({ checkoutSessionId, afterVersion: 0 })) say(type)
  say("finished")
} catch (error) {
  say(error.tag)
}
