/** A whole server in this process, in memory, with fixed tokens. */
import { readFileSync } from "node:fs"
import { Effect, Either, Fiber, Queue } from "effect"
import { serve } from "../src/serve/Serve.js"
import * as ServeConfig from "../src/settings/ServeConfig.js"

/** Serves while the test runs. `more`: further arguments of `onelane serve`. */
export const serving = (tokens: object, test: (url: string) => Promise<void>, more: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const args = ["--storage", ":memory:", "--port", "0", "--log-level", "error", "--tokens", JSON.stringify(tokens)]
    const config = Either.getOrThrow(ServeConfig.parse([...args, ...more], {}, (path) => readFileSync(path, "utf8")))
    const urls = yield* Queue.unbounded<string>()
    const serving = yield* Effect.fork(serve(config, (url) => Queue.offer(urls, url)))
    const url = yield* Effect.raceFirst(Queue.take(urls), Fiber.join(serving))
    yield* Effect.ensuring(
      Effect.promise(() => test(url)),
      Fiber.interrupt(serving)
    )
  })
