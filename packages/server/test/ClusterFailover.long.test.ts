/** How long a session is away when its node is killed, when it is paused, and when it leaves in order. */
import { describe } from "@effect/vitest"
import { isBack } from "./Failover.js"

describe("a session", () => {
  isBack("SIGKILL", 5_000)
  isBack("SIGSTOP", 5_000)
  isBack("SIGTERM", 1_000)
})
