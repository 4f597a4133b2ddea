/**
 * RealFaults: real faults of a store, without a shim: a full file system, a file owned by another process, a damaged
 * file, a read-only file system.
 *
 * Owns the small file system and the damage, and repairs both; does not own the expected behaviour (StoreFaults).
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Seeded } from "@onelane/testing/Seeded"
import { Effect, type Scope } from "effect"
import * as Folder from "../processes/Folder.js"
import * as Service from "../processes/Service.js"
import type { Struck } from "../prove/Kills.js"

/** The location of a store to damage. */
export interface Disk {
  readonly folder: string
  /** Whether it is a separate small file system; false: it could not be mounted here, so it is an ordinary folder. */
  readonly isMounted: boolean
}

/**
 * A small file system, if one can be mounted. It is larger than the log of a store (16 MiB), so that only a fault fills
 * it.
 */
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

/** Fills the file system of `folder`, except for some KiB; the returned function frees the space. */
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

/** Another file fills the disk for a while: nothing is lost, and the process does not end. */
const full: Strike = (storage, service, seeded) =>
  Effect.gen(function* () {
    const empty = fill(dirname(storage))
    const ended = yield* Effect.timeoutOption(service.ended, seeded.between(300, 1_200))
    empty()
    if (ended._tag === "None") return "serves"
    return { problem: `a full disk ended it with ${ended.value.code}: ${ended.value.stderr}` }
  })

/** Another process tries to open the file: it is refused with the reason, and the owner continues. */
const owned: Strike = (storage) =>
  Effect.scoped(Effect.map(refusal(Service.make("http", { storage })), (said) => as("serves", said, /has it open/)))

/** The file's beginning is damaged, or its rest is gone: it must be refused by name, not recreated. */
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

/** The file system is read-only: the file must be refused, not served from memory. */
const readOnly: Strike = (storage, service) =>
  afterKill(service, () => {
    execFileSync("mount", ["-o", "remount,ro", dirname(storage)])
    return () => void execFileSync("mount", ["-o", "remount,rw", dirname(storage)])
  })

/** The same for the folder and its files, if the user is not root. */
const unwritable: Strike = (storage, service) =>
  afterKill(service, () => {
    execFileSync("chmod", ["-R", "a-w", dirname(storage)])
    return () => void execFileSync("chmod", ["-R", "u+w", dirname(storage)])
  })

/**
 * Every real fault that is possible on a disk, by name. Root can write everywhere, and only a separate disk can be
 * filled.
 */
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

/** The error of a start that must fail; null if it serves. */
const refusal = (service: Service.Service): Effect.Effect<string | null, never, Scope.Scope> =>
  Effect.matchEffect(service.start, {
    onFailure: Effect.succeed,
    onSuccess: () => Effect.as(service.kill, null)
  })

const as = (struck: "serves" | "gone", said: string | null, named: RegExp): Struck => {
  if (said === null) return { problem: "it served from a file it must refuse" }
  return named.test(said) ? struck : { problem: `it was refused, but not by name: ${said}` }
}

/** Remembers the files of a store; the returned function restores them, which discards all later writes. */
export const remember = (storage: string): (() => void) => {
  const folder = dirname(storage)
  const files = readdirSync(folder).map((name) => [join(folder, name), readFileSync(join(folder, name))] as const)
  return () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    for (const [path, bytes] of files) writeFileSync(path, bytes)
  }
}
