import { spawn } from "node:child_process"
import { once } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import { cpuOf, statOf } from "../src/whole/ProcessCpu.js"

const burning = "const until = process.cpuUsage().user + 100_000; while (process.cpuUsage().user < until);"

describe("ProcessCpu", () => {
  it("counts the time of a server's processes, also of those that have ended", async () => {
    const server = spawn("sh", ["-c", `"$0" -e '${burning}'; echo; read -r _`, process.execPath], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    try {
      await once(server.stdout, "data")
      assert.strictEqual(statOf(server.pid!)!.parent, process.pid)
      assert.isAtLeast(await cpuOf(server.pid!)(), 100_000_000)
    } finally {
      server.kill()
      await once(server, "exit")
    }
    assert.isNull(statOf(server.pid!))
    assert.strictEqual(await cpuOf(server.pid!)(), 0)
  })
})
