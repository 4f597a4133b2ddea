/** ProcessCpu: CPU time of a server beside us, with its processes: those that run, and those that have ended. */
import { readdirSync, readFileSync } from "node:fs"

const nanosATick = 10_000_000

/** What proc(5) tells of a process. Times are nanoseconds, in user mode and in the kernel together. */
interface Stat {
  readonly parent: number
  readonly own: number
  /** Of children that have ended. */
  readonly ended: number
}

/** Looks at a process; null when it has ended. */
export const statOf = (pid: number): Stat | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const ticks = (from: number): number => (Number(fields[from]) + Number(fields[from + 1])) * nanosATick
    return { parent: Number(fields[1]), own: ticks(11), ended: ticks(13) }
  } catch {
    return null
  }
}

/** The CPU time of a process and of its children. */
export const cpuOf = (root: number) => async (): Promise<number> => {
  let nanos = 0
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null
    if (stat === null) continue
    if (Number(name) === root) nanos += stat.own + stat.ended
    else if (stat.parent === root) nanos += stat.own
  }
  return nanos
}
