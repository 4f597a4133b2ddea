/**
 * A program that calls a server through the SDK as it comes, by many clients that share nothing, and does what lines of JSON on its
 * standard input ask (see `Doors.lines`). Usage: remote <url> <token> <clients>
 */
import { Onelane } from "@onelane/sdk"
import { answerLines } from "./lines.mjs"

const [url, token, clients] = process.argv.slice(2)
const checkouts = await Promise.all(Array.from({ length: Number(clients) }, () => Onelane.connect({ url, token })))
answerLines((number) => checkouts[number % checkouts.length])
