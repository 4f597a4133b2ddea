/**
 * The shop: a small web server with one page, beside `onelane serve`, which the page calls. A browser that opens `/ann`
 * is logged in as Ann, by a cookie that no script can read. The page uses the cookie to get a short-lived token at
 * `/ann/token`. Eve is not a buyer of this account.
 */
import { randomUUID } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { dirname, join } from "node:path"
import { build } from "esbuild"
import { makeFolder, removeFolder, type Server, startServer } from "../Server.js"
import { flow } from "./flow.js"
import { make as makeTokens } from "./tokens.js"

const users: ReadonlyArray<string> = ["ann", "bob", "eve"]

const seed = {
  users: users.map((id) => ({ id })),
  stores: ["store"],
  accounts: [{ id: "acme", users: ["ann", "bob"], stores: ["store"] }],
  carts: [{ id: "cart-1", storeId: "store", accountId: "acme", ownerId: "ann" }]
}

const operator = { "token-of-operator": { userId: "operator", roles: ["modify-all-data"] } }

/** The flow as `onelane serve --flow` reads it. */
const flowFile = JSON.stringify({
  name: flow.name,
  initial: flow.initial,
  states: Object.fromEntries(Object.entries(flow.transitions).map(([state, next]) => [state, { next }]))
})

/** The sources of the examples, independent of the output folder. */
const examples = dirname(createRequire(import.meta.url).resolve("@onelane/examples/package.json"))

/** Bundles the page: its script and its style, for a browser. */
const bundle = async (): Promise<ReadonlyMap<string, string>> => {
  const { outputFiles } = await build({
    entryPoints: [join(examples, "10-shop-front/page.tsx")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    outdir: "/",
    write: false
  })
  return new Map(outputFiles.map(({ path, text }) => [path.endsWith(".css") ? "/page.css" : "/page.js", text]))
}

const html = (user: string, api: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Shop front: ${user}</title>
<link rel="stylesheet" href="/page.css">
<main id="shop" data-user="${user}" data-api="${api}"></main>
<script type="module" src="/page.js"></script>
</html>
`

const welcome = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Shop front</title>
<link rel="stylesheet" href="/page.css">
<main>
<h1>One checkout, two windows</h1>
<p>Open <a href="/ann" target="ann">Ann's window</a> and <a href="/bob" target="bob">Bob's window</a> side by side, and press the
same button. <a href="/eve" target="eve">Eve</a> is a stranger: she sees nothing.</p>
</main>
</html>
`

/** A running shop. */
export interface Shop {
  /** The URL of the pages. */
  readonly url: string
  /** The URL of `onelane serve`. */
  readonly api: string
  /** Kills `onelane serve`. */
  readonly kill: () => Promise<void>
  /** Starts it again, on the same port and the same file. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts the shop and `onelane serve`. `port` 0 takes any. */
export const start = async (port = 0): Promise<Shop> => {
  const files = await bundle()
  const folder = await makeFolder(operator, seed)
  await writeFile(join(folder, "flow.json"), flowFile)
  const tokens = await makeTokens(folder)
  const logins = new Map<string, string>()
  let api = ""
  const web = createServer((request, response) => answer(request, response))
  await new Promise<void>((resolve, reject) => web.once("error", reject).listen(port, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`
  const serve = (port: number): Promise<Server> =>
    startServer(folder, port, ["--flow", join(folder, "flow.json"), "--jwt", tokens.settings, "--cors", url])
  let server = await serve(0)
  api = server.url

  const send = (response: ServerResponse, status: number, type: string, body: string, more: object = {}): void => {
    // The page may run its own script, use its own style, and call the two servers.
    const policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ${api}`
    response.writeHead(status, { "content-type": type, "content-security-policy": policy, ...more }).end(body)
  }

  const answer = ({ headers, url: path = "/" }: IncomingMessage, response: ServerResponse): void => {
    const file = files.get(path)
    if (file !== undefined) return send(response, 200, path.endsWith(".css") ? "text/css" : "text/javascript", file)
    if (path === "/") return send(response, 200, "text/html", welcome)
    const [, user = "", rest] = path.split("/")
    if (!users.includes(user)) return send(response, 404, "text/plain", "There is no such page")
    if (rest === undefined) {
      // Your shop asks for a password here.
      const login = randomUUID()
      logins.set(login, user)
      const cookie = `login=${login}; Path=/${user}; HttpOnly; SameSite=Strict`
      return send(response, 200, "text/html", html(user, api), { "set-cookie": cookie })
    }
    // A token is for whoever is logged in, and for nobody's cache.
    const login = /\blogin=([\w-]+)/.exec(headers.cookie ?? "")?.[1] ?? ""
    const isUser = rest === "token" && logins.get(login) === user
    if (!isUser) return send(response, 401, "text/plain", "Log in first")
    send(response, 200, "text/plain", tokens.of(user), { "cache-control": "no-store" })
  }

  return {
    url,
    api,
    kill: () => server.end("SIGKILL"),
    restart: async () => void (server = await serve(server.port)),
    close: async () => {
      web.closeAllConnections()
      web.close()
      await server.end("SIGTERM")
      await removeFolder(folder)
    }
  }
}
