/**
 * PowerLoss: opens, with the product, the files that a power cut could leave, and checks them against every answer
 * acknowledged before the cut. SIGKILL does not test this: the page cache survives it. Source: TARGETS F3b.
 *
 * A cut may come anywhere in the record of writes and syncs; an answer counts from the moment its caller recorded it.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Seeded from "@onelane/testing/Seeded"
import { Deferred, Effect, FiberId, type Scope } from "effect"
import * as Disks from "../faults/Disks.js"
import * as Record from "../faults/Record.js"
import type { Instrument } from "../Instrument.js"
import * as Folder from "../processes/Folder.js"
import * as Program from "../processes/Program.js"

/** A run. `synchronous` other than FULL is a planted fault. */
export interface PowerOptions {
  readonly seed: number
  readonly answers: number
  readonly images: number
  readonly synchronous?: "FULL" | "NORMAL" | undefined
  readonly progress?: ((line: string) => void) | undefined
}

/** What came of it. */
export interface PowerOutcome {
  readonly images: number
  readonly syncs: number
  readonly writes: number
  /** Images that could not be opened, or were unsound. */
  readonly unsound: ReadonlyArray<string>
  /** Images in which an acknowledged change is missing. */
  readonly lossy: ReadonlyArray<string>
  /** Most answers missing in one image. */
  readonly mostLost: number
}

/** An answer: its version, and the request it accepted (`-`: none). */
interface Answer {
  readonly session: string
  readonly version: number
  readonly requestId: string
}

/** What the product found in an image. */
interface Look {
  readonly unsound?: string
  readonly found?: Readonly<Record<string, ReadonlyArray<string | null>>>
}

const answersFile = "answers"

/** Records one run and opens the images of many cuts of it. */
export const run = (options: PowerOptions): Effect.Effect<PowerOutcome> =>
  Effect.gen(function* () {
    const steps = yield* recordRun(options)
    const looker = yield* makeLooker
    const seeded = Seeded.make(options.seed)
    const disk = Disks.make()
    const answers: Array<Answer> = []
    const outcome = { images: 0, unsound: [] as string[], lossy: [] as string[], mostLost: 0 }
    const cuts = Array.from({ length: options.images }, () => seeded.below(steps.length + 1)).sort((a, b) => a - b)
    let at = 0
    for (const cut of cuts) {
      for (; at < cut; at++) {
        const step = steps[at]!
        if (step.name !== answersFile) disk.play(step)
        else if (step.what === "write") answers.push(...answersIn(step.bytes.toString()))
      }
      const look = yield* looker(disk.cut(seeded.split()))
      const where = `seed ${options.seed}, image ${outcome.images++} cut after step ${cut} of ${steps.length}`
      if (look.found === undefined) {
        outcome.unsound.push(`${where}: ${look.unsound}`)
        continue
      }
      const lost = answers.filter((answer) => isLost(answer, look.found!))
      if (lost.length > 0) outcome.lossy.push(`${where}: ${lost.length} answers lost, ${JSON.stringify(lost[0])} first`)
      outcome.mostLost = Math.max(outcome.mostLost, lost.length)
      if (outcome.images % 500 === 0) options.progress?.(`${outcome.images} of ${options.images} images`)
    }
    const count = (what: Record.Step["what"]) => steps.filter((step) => step.what === what).length
    return { ...outcome, syncs: count("sync"), writes: count("write") }
  }).pipe(Effect.scoped)

const isLost = ({ session, version, requestId }: Answer, found: NonNullable<Look["found"]>): boolean => {
  const versions = found[session]
  if (versions === undefined || versions.length < version) return true
  return requestId !== "-" && versions[version - 1] !== requestId
}

const answersIn = (lines: string): ReadonlyArray<Answer> =>
  lines
    .trim()
    .split("\n")
    .map((line) => {
      const [session = "", version, requestId = "-"] = line.split(" ")
      return { session, version: Number(version), requestId }
    })

const recordRun = ({ seed, answers, synchronous = "FULL" }: PowerOptions) =>
  Effect.gen(function* () {
    const folder = yield* Folder.make()
    const beside = yield* Folder.make()
    const record = join(beside, "record")
    const env = yield* Record.recording(folder, record)
    const args = [Program.beside("write"), folder, String(answers), String(seed), synchronous]
    const writer = yield* Program.node(args, { env })
    const { signal, stderr } = yield* writer.ended
    if (signal !== "SIGKILL") return yield* Effect.dieMessage(`the writing program ended: ${stderr}`)
    return Record.read(record)
  })

/**
 * A program that opens images one after the other. If possible they are in memory, because their syncs prove nothing.
 */
const makeLooker: Effect.Effect<(image: Disks.Image) => Effect.Effect<Look>, never, Scope.Scope> = Effect.gen(
  function* () {
    const parent = yield* Folder.make(existsSync("/dev/shm") ? "/dev/shm" : undefined)
    let answer = Deferred.unsafeMake<Look>(FiberId.none)
    let count = 0
    const looker = yield* Program.node([Program.beside("look")], {
      onLine: (line) => void (line !== '"ready"' && Deferred.unsafeDone(answer, Effect.succeed(JSON.parse(line))))
    })
    yield* Effect.orDie(looker.firstLine)
    return (image) =>
      Effect.gen(function* () {
        const folder = join(parent, String(count++))
        mkdirSync(folder)
        for (const [name, content] of image) writeFileSync(join(folder, name), content)
        answer = Deferred.unsafeMake<Look>(FiberId.none)
        looker.tell(join(folder, "checkout.db"))
        const gone = Effect.map(looker.ended, ({ stderr }): Look => ({ unsound: `the product ended: ${stderr}` }))
        const look = yield* Effect.raceFirst(Deferred.await(answer), gone)
        rmSync(folder, { recursive: true })
        return look
      })
  }
)

/** F3b. A second, shorter run has a planted fault, which must be detected; otherwise the first run proves nothing. */
export const instrument: Instrument = {
  name: "power",
  run: ({ minutes, progress, seed, short }) =>
    Effect.gen(function* () {
      const images = short ? 250 : Math.max(2_000, Math.round(minutes * 1_000))
      const { unsound, lossy, syncs, writes } = yield* run({ seed, answers: short ? 400 : 2_000, images, progress })
      const planted = yield* run({ seed, answers: 400, images: 100, synchronous: "NORMAL" })
      const failures = [...unsound, ...lossy]
      if (planted.lossy.length === 0) failures.push("synchronous=NORMAL was planted and not noticed")
      const note = `${writes} writes, ${syncs} syncs recorded; planted NORMAL: ${planted.lossy.length} of ${planted.images} images lost up to ${planted.mostLost} answers`
      return { cases: images, failures, notes: [note] }
    })
}
