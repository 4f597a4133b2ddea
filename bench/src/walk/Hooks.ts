/** Hooks: lets Node load the built files of our packages instrumented. Runs where Node runs its module hooks. */
import { fileURLToPath } from "node:url"
import { instrument } from "./Instrument.js"

interface Loaded {
  readonly format: string
  readonly source: string | ArrayBuffer | Uint8Array
}

type Next = (url: string, context: unknown) => Promise<Loaded>

const packages = fileURLToPath(new URL("../../../packages/", import.meta.url))
const ours = /^([^/]+)\/dist\/(.+)\.js$/

/** The load hook of `node:module`. */
export const load = async (url: string, context: unknown, next: Next): Promise<Loaded> => {
  const loaded = await next(url, context)
  const path = url.startsWith("file:") ? fileURLToPath(url) : ""
  const found = path.startsWith(packages) ? ours.exec(path.slice(packages.length)) : null
  if (found === null) return loaded
  const code = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
  return { ...loaded, source: instrument(`packages/${found[1]}/src/${found[2]}.ts`, code) }
}
