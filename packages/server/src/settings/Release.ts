/**
 * Release: the version of this release.
 */
import { readFileSync } from "node:fs"

/** Its version. */
export const version: string = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { readonly version: string }
).version
