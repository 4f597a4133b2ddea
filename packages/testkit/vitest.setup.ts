/**
 * Run before each test file. `layer` of @effect/vitest puts its methods onto the one `it` there is, and files that share a
 * process share that: each begins with the methods as they came.
 */
import { effect, flakyTest, it, layer, live, prop, scoped, scopedLive } from "@effect/vitest"

Object.assign(it, { effect, flakyTest, layer, live, prop, scoped, scopedLive })
