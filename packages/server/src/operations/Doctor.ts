/**
 * Doctor: checks what a server depends on: Node, the storage and its contents, the disk, the clock. Changes no stored
 * data; the storage must not be in use.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { dirname, join, resolve } from "node:path"
import { StoreFormat } from "@onelane/checkout"
import * as App from "@onelane/sdk/app"
import { JournalSql, Migrations, Redacted, SessionList, Storage, StoreDamage } from "@onelane/sql"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ending from "../serve/Ending.js"
import * as Store from "../serve/Store.js"
import * as FlowLook from "./FlowLook.js"

/** A check and its result. `warning`: it works but needs attention. */
export interface Finding {
  readonly check: string
  readonly result: "ok" | "warning" | "failed"
  readonly found: string
}

const finding =
  (result: Finding["result"]) =>
  (check: string, found: string): Finding => ({ check, result, found: Redacted.text(found) })

const ok = finding("ok")
const warning = finding("warning")
const failed = finding("failed")

const sentenceOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The oldest Node that is tested. */
const wantedNode = [20, 19] as const

/** Node's version. */
export const node = (version: string): Finding => {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number)
  const isOld = major < wantedNode[0] || (major === wantedNode[0] && minor < wantedNode[1])
  return (isOld ? failed : ok)("node", isOld ? `${version}; ${wantedNode.join(".")} or newer is needed` : version)
}

/** Whether the file can be written, and by whom it can be read. */
export const permissions = (path: string): Finding => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    accessSync(dirname(resolve(path)), constants.W_OK)
    const mode = statSync(path).mode & 0o777
    return (mode & 0o077) === 0 || process.platform === "win32"
      ? ok("permissions", "only its owner reads and writes it")
      : warning(
          "permissions",
          `others than its owner may open it (mode ${mode.toString(8).padStart(3, "0")}); chmod 600`
        )
  } catch (cause) {
    return failed("permissions", sentenceOf(cause))
  }
}

/** How many syncs are timed. */
const syncCount = 20

/** A sync faster than this, milliseconds, did not reach a device. */
const suspiciousMillis = 0.02

/** Writes and syncs a file beside the storage and measures a sync. */
export const sync = (path: string): Finding => {
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(dirname(resolve(path)), ".onelane-doctor-"))
    const file = openSync(join(folder, "sync"), "w")
    const tookMillis = Array.from({ length: syncCount }, () => {
      writeSync(file, "x".repeat(4_096))
      const beganMillis = performance.now()
      fsyncSync(file)
      return performance.now() - beganMillis
    }).sort((a, b) => a - b)
    closeSync(file)
    const median = tookMillis[syncCount / 2]!
    const found = `a sync takes ${median.toFixed(2)} ms`
    return median < suspiciousMillis
      ? warning("sync", `${found}: too fast for a disk; what is acknowledged may not survive a power cut`)
      : ok("sync", found)
  } catch (cause) {
    return failed("sync", sentenceOf(cause))
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether the clock is behind the newest stored instant, milliseconds. */
export const clock = (nowMillis: number, newestMillis: number | null): Finding => {
  const now = new Date(nowMillis).toISOString()
  if (nowMillis < releasedMillis) return failed("clock", `it says ${now}, which is before this release`)
  return newestMillis !== null && newestMillis > nowMillis + toleranceMillis
    ? failed("clock", `it says ${now}, but something was kept at ${new Date(newestMillis).toISOString()}`)
    : ok("clock", now)
}

/** Whether the clock agrees with the database's, which counts, milliseconds. */
export const clockBeside = (nowMillis: number, databaseMillis: number): Finding => {
  const offMillis = nowMillis - databaseMillis
  const seconds = (Math.abs(offMillis) / 1_000).toFixed(1)
  if (Math.abs(offMillis) <= agreeingMillis) return ok("clock", "it agrees with the database's")
  return warning("clock", `it is ${seconds} s ${offMillis > 0 ? "ahead of" : "behind"} the database's, which counts`)
}

/** Clocks that differ by less than this agree, milliseconds. */
const agreeingMillis = 1_000

/** 2025-01-01. */
const releasedMillis = 1_735_689_600_000
const toleranceMillis = 5_000

/** Whether this release understands the stored format. */
export const formatOf = (found: number): Finding =>
  found > StoreFormat.current ? failed("format", Migrations.newerFormat(found)) : ok("format", String(found))

/** Whether all stored data can be read and every table exists. */
const damage = Effect.gen(function* () {
  const faults = yield* StoreDamage.faults
  if (faults.length > 0) return failed("integrity", StoreDamage.advice(`it is damaged (${faults.join("; ")})`))
  if ((yield* Migrations.current) === 0) return null
  const missing = yield* StoreDamage.missingTables
  return missing.length === 0
    ? ok("integrity", "every table is there, and the database finds no damage")
    : failed("integrity", StoreDamage.advice(StoreDamage.lack(missing)))
}).pipe(
  Effect.catchAll((error) =>
    Effect.succeed(failed("integrity", StoreDamage.advice(`it is damaged (${sentenceOf(StoreDamage.root(error))})`)))
  )
)

/** Checks the storage: that it opens, is undamaged, and how new its tables are. */
const inside = Effect.gen(function* () {
  const harm = yield* damage
  if (harm?.result === "failed") return [ok("storage", "it opens"), harm]
  const found = yield* Migrations.current
  const version =
    found === Migrations.newest
      ? ok("tables", `step ${found} of ${Migrations.newest}`)
      : (found > Migrations.newest ? failed : warning)(
          "tables",
          `step ${found}, this release knows ${Migrations.newest}; ${found > Migrations.newest ? "use a newer release" : "run: onelane migrate"}`
        )
  const format = yield* Migrations.format
  const formats = format === null ? [] : [formatOf(format)]
  const newest = found === 0 ? null : yield* SessionList.newestMillis
  const databaseMillis = yield* JournalSql.timeMillis
  const nowMillis = yield* Clock.currentTimeMillis
  const kept = clock(databaseMillis ?? nowMillis, newest)
  const clocks = databaseMillis === null || kept.result !== "ok" ? kept : clockBeside(nowMillis, databaseMillis)
  return [ok("storage", "it opens"), ...(harm === null ? [] : [harm]), version, ...formats, clocks]
})

/** Checks of an app: whether it can be loaded, and whether its flow strands a live session. */
export const examineApp = (path: string, storage: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const { load } = yield* Effect.promise(() => import("../app/AppModule.js"))
    const flow = App.flowOf(yield* load(path))
    const counts = `${flow.states.size} states, ${flow.tasks.size} with a task`
    const found = ok("app", `${path}: flow ${flow.name}, version ${flow.version}, ${counts}`)
    const isThere = Storage.isServer(storage) || (Storage.kindOf(storage) === "file" && existsSync(storage))
    if (!isThere) return [found]
    const looked = yield* Effect.match(FlowLook.look(storage, flow), {
      onFailure: (why) => warning("flow", why),
      onSuccess: ({ live, strandedCount }) => {
        const counts = `${live} live sessions, ${strandedCount} without a way on`
        return strandedCount === 0 ? ok("flow", counts) : warning("flow", `${counts}; run: onelane flow check`)
      }
    })
    return [found, looked]
  }).pipe(Effect.catchAll((why) => Effect.succeed([failed("app", why)])))

/** All checks of a storage and its machine. */
export const examine = (storage: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const machine = [node(process.version)]
    const isFile = Storage.faultOf(storage) === null && Storage.kindOf(storage) === "file"
    if (isFile && !existsSync(storage)) {
      return [...machine, failed("storage", `there is no ${storage}; "onelane migrate --storage ${storage}" makes it`)]
    }
    const opened = yield* inside.pipe(
      Effect.provide(Store.client(storage)),
      Effect.catchAll((error) => Effect.succeed([failed("storage", Ending.sentenceOf(error))]))
    )
    return [...machine, ...opened, ...(isFile ? [permissions(storage), sync(storage)] : [])]
  })
