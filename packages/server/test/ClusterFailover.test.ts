/** How long a session is away when its node is killed. Nodes that pause or leave are in ClusterFailover.long.test.ts. */
import { describe } from "@effect/vitest"
import { isBack } from "./Failover.js"

describe("a session", () => isBack("SIGKILL", 5_000))
