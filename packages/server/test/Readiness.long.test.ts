/** Whether work is sent to a server whose disk is full, or whose database is read-only: on a real disk and a real PostgreSQL. */
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as PostgresServer from "@onelane/testkit/PostgresServer"
import * as RealFaults from "@onelane/testkit/RealFaults"
import * as Record from "@onelane/testkit/Record"
import { Effect, Runtime } from "effect"
import { call } from "./Call.js"
import { inFolder, node, serveArgs, temporaryFolder, urlOf } from "./Program.js"

/** A way to break what a server writes to, and the way back. */
interface Breakable {
  readonly storage: string
  readonly env: NodeJS.ProcessEnv
  readonly broken: () => Promise<() => Promise<void>>
}

/** A small file system that is filled; where none may be mounted, a disk that says it is full. */
const disk = Effect.gen(function* () {
  const { folder, isMounted } = yield* RealFaults.smallDisk
  const storage = join(folder, "checkout.db")
  if (isMounted) {
    const broken = async () => {
      const empty = RealFaults.fill(folder)
      return async () => empty()
    }
    return { storage, env: {}, broken }
  }
  const fault = join(yield* temporaryFolder, "fault")
  const broken = async () => {
    writeFileSync(fault, "full")
    return async () => rmSync(fault)
  }
  return { storage, env: yield* Record.faulting(folder, fault), broken }
})

const readOnly = Effect.gen(function* () {
  const { makePlace, query } = yield* PostgresServer.make()
  const runtime = yield* Effect.runtime<never>()
  const set = (change: string) =>
    Runtime.runPromise(runtime)(Effect.zipRight(query(`ALTER SYSTEM ${change}`), query("SELECT pg_reload_conf()")))
  const broken = async () => {
    await set("SET default_transaction_read_only = on")
    return async () => void (await set("RESET default_transaction_read_only"))
  }
  return { storage: yield* makePlace, env: {}, broken }
})

const untilReady = async (url: string, wanted: number): Promise<string> => {
  for (let tries = 0; tries < 600; tries++) {
    const { body, status } = await call(url, null, "GET", "/readyz")
    if (status === wanted) return body.status
    await Effect.runPromise(Effect.sleep(50))
  }
  return `never ${wanted}`
}

/** Works until a commit is refused; answers the refusal. */
const untilRefused = async (url: string, first: number) => {
  for (let index = first; index < 50; index++) {
    const { body, status } = await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: `cart-${index}` })
    if (status >= 500) return body
  }
  return assert.fail("no commit was refused")
}

const follows = ({ broken, env, storage }: Breakable, reason: string): Promise<void> =>
  inFolder(async (folder) => {
    const server = node([...serveArgs(folder), "--storage", storage], env)
    const url = await urlOf(server)
    assert.strictEqual(await untilReady(url, 200), "ready")
    assert.strictEqual((await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: "cart-0" })).status, 201)
    const mend = await broken()
    assert.deepInclude(await untilRefused(url, 1), { _tag: "StorageUnavailable", reason, applied: "no" })
    assert.strictEqual(await untilReady(url, 503), "store takes no commits")
    // It answers reads meanwhile, and the process is alive.
    assert.strictEqual((await call(url, null, "GET", "/healthz")).status, 200)
    await mend()
    assert.strictEqual(await untilReady(url, 200), "ready")
    const opened = await call(url, "alice", "POST", "/v1/checkout-sessions", { cartId: "cart-49" })
    assert.strictEqual(opened.status, 201, opened.text)
    server.process.kill("SIGTERM")
    assert.strictEqual((await server.ended).code, 0)
  })

const on = <E, R>(breakable: Effect.Effect<Breakable, E, R>, reason: string) =>
  Effect.flatMap(breakable, (found) => Effect.promise(() => follows(found, reason)))

describe("/readyz", { timeout: 180_000 }, () => {
  it.scopedLive("O1 /readyz is 503 while the disk is full, and 200 again when there is room", () =>
    on(disk, "DISK_FULL")
  )

  it.scopedLive("O1 /readyz is 503 while PostgreSQL is read-only, and 200 again when it accepts writes", () =>
    on(readOnly, "READONLY")
  )
})
