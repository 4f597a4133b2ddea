/** Entrants: how rows name the subjects they want. */
import type { Entrant } from "./Contest.js"
import type { Options } from "./InMemory.js"
import type { Load } from "./Load.js"
import { apart } from "./SubjectProcess.js"

/** A subject in memory, in a process of its own. `label` if a contest has it twice. */
export const inMemory = (
  subject: string,
  load: Load,
  label = subject,
  environment: Readonly<Record<string, string>> = {}
): Entrant => ({
  name: label,
  start: () => apart({ module: "./InMemory.js", options: { subject, load } satisfies Options, environment })
})

/** Any other task, in a process of its own. */
export const task = (name: string, module: string, options: unknown, flags: ReadonlyArray<string> = []): Entrant => ({
  name,
  start: () => apart({ module, options, flags })
})
