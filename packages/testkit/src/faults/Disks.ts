/**
 * Disks: models the disk contents that a power cut could leave. Synced data is there. Of unsynced data any part may be:
 * writes lost, reordered or torn between sectors; names created or removed late, but in order.
 *
 * Pure: a record and choices in, files out. Owns the model of a disk; does not own what must be on it (PowerLoss).
 */

import type { Seeded } from "@onelane/testing/Seeded"
import type { Step } from "./Record.js"

/** Name to content. */
export type Image = ReadonlyMap<string, Buffer>

/** A disk on which a record is played. */
export interface Disk {
  readonly play: (step: Step) => void
  /** The content if power fails now. */
  readonly cut: (seeded: Seeded) => Image
}

type Change = Extract<Step, { readonly what: "write" | "cut" }>

/** A file, with or without a name: its synced content, and the changes since. */
interface File {
  synced: Buffer
  pending: Array<Change>
}

interface Naming {
  readonly name: string
  /** Null: the name is removed. */
  readonly file: File | null
}

/** Possible fates of unsynced changes. */
const fates = ["all", "none", "prefix", "any", "reordered"] as const

const sectorBytes = 512

/** An empty disk. */
export const make = (): Disk => {
  const now = new Map<string, File>()
  const durable = new Map<string, File>()
  let namings: Array<Naming> = []

  const settle = (namings: ReadonlyArray<Naming>, names: Map<string, File>): void => {
    for (const { name, file } of namings) {
      if (file === null) names.delete(name)
      else names.set(name, file)
    }
  }

  return {
    play: (step) => {
      const file = now.get(step.name)
      switch (step.what) {
        case "make": {
          const made: File = { synced: Buffer.alloc(0), pending: [] }
          now.set(step.name, made)
          namings.push({ name: step.name, file: made })
          return
        }
        case "link": {
          const linked = now.get(step.from) ?? null
          if (linked !== null) now.set(step.name, linked)
          namings.push({ name: step.name, file: linked })
          return
        }
        case "remove":
          now.delete(step.name)
          namings.push({ name: step.name, file: null })
          return
        case "sync":
          if (file === undefined) return
          file.synced = file.pending.reduce(apply, file.synced)
          file.pending = []
          return
        case "syncFolder":
          settle(namings, durable)
          namings = []
          return
        default:
          file?.pending.push(step)
      }
    },
    cut: (seeded) => {
      const names = new Map(durable)
      settle(namings.slice(0, seeded.between(0, namings.length)), names)
      return new Map([...names].map(([name, file]) => [name, left(file, seeded)]))
    }
  }
}

const left = ({ synced, pending }: File, seeded: Seeded): Buffer => {
  switch (seeded.pick(fates)) {
    case "all":
      return pending.reduce(apply, synced)
    case "none":
      return synced
    case "prefix": {
      const whole = seeded.between(0, pending.length)
      const torn = pending.slice(whole, whole + 1).flatMap((change) => tear(change, seeded))
      return [...pending.slice(0, whole), ...torn].reduce(apply, synced)
    }
    case "any":
      return pending.flatMap((change) => some(change, seeded)).reduce(apply, synced)
    case "reordered": {
      const drawn = pending.map((change) => ({ change, at: seeded.below(1_000_000) })).sort((a, b) => a.at - b.at)
      return drawn.flatMap(({ change }) => some(change, seeded)).reduce(apply, synced)
    }
  }
}

const some = (change: Change, seeded: Seeded): ReadonlyArray<Change> => {
  const drawn = seeded.below(3)
  return drawn === 0 ? [] : drawn === 1 ? [change] : tear(change, seeded)
}

/** The sectors of a write that reached the disk. */
const tear = (change: Change, seeded: Seeded): ReadonlyArray<Change> => {
  if (change.what === "cut") return seeded.chance(0.5) ? [change] : []
  const parts: Array<Change> = []
  for (let at = 0; at < change.bytes.length; ) {
    const end = Math.min(at + sectorBytes - ((change.offset + at) % sectorBytes), change.bytes.length)
    if (seeded.chance(0.5)) parts.push({ ...change, offset: change.offset + at, bytes: change.bytes.subarray(at, end) })
    at = end
  }
  return parts
}

const apply = (content: Buffer, change: Change): Buffer => {
  const length = change.what === "cut" ? change.length : Math.max(content.length, change.offset + change.bytes.length)
  const next = Buffer.alloc(length)
  content.copy(next, 0, 0, length)
  if (change.what === "write") change.bytes.copy(next, change.offset)
  return next
}
