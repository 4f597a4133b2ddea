/** The HTTP API of the checkout: every path below /shops/{shop}/checkout. */
import { shop } from "../../../../../shop.js"

const answer = async (request) => (await shop()).api(request)

export { answer as GET, answer as HEAD, answer as OPTIONS, answer as POST, answer as PUT, answer as DELETE }
