/** child: the process of one subject. Its first message selects the task; then it answers round by round. */

import type { Runner } from "./Runner.js"
import type { Ask, Task, Told } from "./SubjectProcess.js"

let runner: Runner | undefined

const start = async ({ module, options }: Task): Promise<null> => {
  const loaded: { readonly start: (options: unknown) => Promise<Runner> } = await import(
    new URL(module, import.meta.url).href
  )
  runner = await loaded.start(options)
  return null
}

const answer = async (ask: Ask): Promise<Told> => {
  try {
    if ("start" in ask) return { value: await start(ask.start) }
    return { value: "round" in ask ? await runner!.round() : await runner!.finish() }
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on("message", (ask: Ask) => {
  void answer(ask).then((told) => process.send!(told))
})

// The contest is over, so everything that still runs here is stopped.
process.on("disconnect", () => process.exit(0))
