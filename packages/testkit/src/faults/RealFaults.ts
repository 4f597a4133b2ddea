/**
 * RealFaults: what can be done to a store from outside, with no shim in between: a file system with no room left, a file
 * somebody else owns, a file that was damaged, a file system that may only be read.
 *
 * Owns the small file system and the damage, and puts both right again; does not own what must follow (StoreFaults).
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { Effect, type Scope } from "effect"
import * as Folder from "../processes/Folder.js"
import * as Service from "../processes/Service.js"
import type { Struck } from "../prove/Kills.js"
import type { Seeded } from "../simulation/Seeded.js"

/** Where a store lives that is to be harmed. */
export interface Disk {
  readonly folder: string
  /** It is a small file system of its own; false: this machine lets nobody mount one, and it is a folder like others. */
  readonly isMounted: boolean
}

/** A small file system, where one may be mounted: larger than the log of a store becomes (16 MiB), so that only a fault fills it. */
export const smallDisk: Effect.Effect<Disk, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Folder.make()
  const mount = Effect.try(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]))
  return yield* Effect.acquireRelease(mount, () => Effect.sync(() => execFileSync("umount", ["-l", folder]))).pipe(
    Effect.isSuccess,
    Effect.map((isMounted) => ({ folder, isMounted }))
  )
})

/** One of the real faults, on the service that owns `storage`. */
export type Strike = (storage: string, service: Service.Service, seeded: Seeded) => Effect.Effect<Struck>

/** Takes all the room of the file system of `folder`, but for some KiB; gives back what makes room again. */
export const fill = (folder: string, leftKibibytes = 0): (() => void) => {
  const [ballast, room] = [join(folder, "ballast"), join(folder, "room")]
  writeFileSync(room, Buffer.alloc(leftKibibytes * 1_024))
  let bytes = 1 << 20
  while (bytes >= 512) {
    try {
      writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" })
    } catch {
      bytes >>= 1
    }
  }
  rmSync(room)
  return () => rmSync(ballast)
}

/** Another file takes all the room there is, for a while: nothing is lost, nothing ends. */
const full: Strike = (storage, service, seeded) =>
  Effect.gen(function* () {
    const empty = fill(dirname(storage))
    const ended = yield* Effect.timeoutOption(service.ended, seeded.between(300, 1_200))
    empty()
    if (ended._tag === "None") return "serves"
    return { problem: `a full disk ended it with ${ended.value.code}: ${ended.value.stderr}` }
  })

/** Another process wants the file: it is told so, and the owner goes on. */
const owned: Strike = (storage) =>
  Effect.scoped(Effect.map(refusal(Service.make("http", { storage })), (said) => as("serves", said, /has it open/)))

/** The beginning of the file is not what it was, or the rest is gone: it is refused by name, not begun anew. */
const damaged: Strike = (storage, service, seeded) =>
  afterKill(service, () => {
    const mend = remember(storage)
    const bytes = readFileSync(storage)
    // The log may hold a whole copy of the damaged page, and then nothing is wrong.
    for (const beside of ["-wal", "-shm"]) rmSync(`${storage}${beside}`, { force: true })
    const cut = seeded.between(1, Math.min(90, bytes.length - 1))
    writeFileSync(storage, seeded.chance(0.5) ? bytes.subarray(0, cut) : bytes.fill(0xa5, 0, 100))
    return mend
  })

/** The file system may only be read: it is refused, not served from memory. */
const readOnly: Strike = (storage, service) =>
  afterKill(service, () => {
    execFileSync("mount", ["-o", "remount,ro", dirname(storage)])
    return () => void execFileSync("mount", ["-o", "remount,rw", dirname(storage)])
  })

/** The same of the folder and its files, for whoever is not root. */
const unwritable: Strike = (storage, service) =>
  afterKill(service, () => {
    execFileSync("chmod", ["-R", "a-w", dirname(storage)])
    return () => void execFileSync("chmod", ["-R", "u+w", dirname(storage)])
  })

/** Every real fault that a disk can have, by name. Root may write everywhere, and without a disk of its own nothing is full. */
export const strikesOn = ({ isMounted }: Disk): Readonly<Record<string, Strike>> => {
  if (isMounted) return { full, owned, damaged, "read-only": readOnly }
  return process.getuid?.() === 0 ? { owned, damaged } : { owned, damaged, "read-only": unwritable }
}

const afterKill = (service: Service.Service, harm: () => () => void): Effect.Effect<Struck> =>
  Effect.gen(function* () {
    yield* service.kill
    const mend = harm()
    const said = yield* Effect.scoped(refusal(service))
    mend()
    return as("gone", said, /checkout\.db/)
  })

/** What a start that must fail says; null when it serves. */
const refusal = (service: Service.Service): Effect.Effect<string | null, never, Scope.Scope> =>
  Effect.matchEffect(service.start, {
    onFailure: Effect.succeed,
    onSuccess: () => Effect.as(service.kill, null)
  })

const as = (struck: "serves" | "gone", said: string | null, named: RegExp): Struck => {
  if (said === null) return { problem: "it served from a file it must refuse" }
  return named.test(said) ? struck : { problem: `it was refused, but not by name: ${said}` }
}

/** The files of a store as they are now; putting them back makes a store that forgot what came after. */
export const remember = (storage: string): (() => void) => {
  const folder = dirname(storage)
  const files = readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))] as const)
  return () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    for (const [path, bytes] of files) writeFileSync(path, bytes)
  }
}
