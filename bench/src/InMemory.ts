/** InMemory: a named subject under a load, in this process. The task of the in-process rows. */
import type { Load } from "./Load.js"
import * as Runner from "./Runner.js"
import { subjects } from "./subjects/index.js"

/** What `start` is given. */
export interface Options {
  readonly subject: string
  readonly load: Load
}

/** Makes the subject and opens its sessions. */
export const start = async ({ subject, load }: Options): Promise<Runner.Runner> => {
  const make = subjects[subject]
  if (make === undefined) throw new Error(`no such subject: ${subject}`)
  return Runner.make(await make(), load)
}
