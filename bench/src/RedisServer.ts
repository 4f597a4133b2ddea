/** RedisServer: Debian's `redis-server`, if it is installed, with every write synced before its answer. */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { makeDirectory } from "./WorkingFolder.js"

/** Whether this machine has Redis. */
export const isInstalled = (): boolean => spawnSync("redis-server", ["--version"]).status === 0

/** Its version, or null. */
export const version = (): string | null => {
  const asked = spawnSync("redis-server", ["--version"], { encoding: "utf8" })
  return asked.status === 0 ? (/v=([\d.]+)/.exec(asked.stdout)?.[1] ?? null) : null
}

/** Starts a server that listens on a socket in a directory of its own. */
export const start = async (): Promise<{ readonly socket: string; readonly stop: () => Promise<void> }> => {
  const directory = makeDirectory()
  const socket = join(directory, "redis.sock")
  const child = spawn(
    "redis-server",
    [
      "--port",
      "0",
      "--unixsocket",
      socket,
      "--dir",
      directory,
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--save",
      ""
    ],
    { stdio: "ignore" }
  )
  for (let tried = 0; !existsSync(socket); tried++) {
    if (tried === 100 || child.exitCode !== null) throw new Error("redis-server did not start")
    await sleep(50)
  }
  return {
    socket,
    stop: async () => {
      if (child.exitCode !== null) return
      child.kill("SIGTERM")
      await once(child, "exit")
    }
  }
}
