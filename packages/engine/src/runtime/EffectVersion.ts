/**
 * EffectVersion: checks whether the installed Effect is supported. It imports nothing from Effect, so an entry point
 * can check before it loads modules that may be missing.
 */
import { createRequire } from "node:module"

/** The oldest supported version; Effect 4 is not compatible. */
const oldest = [3, 21, 2] as const

const isOldEnough = (major: number, minor: number, patch: number): boolean =>
  major === oldest[0] && (minor > oldest[1] || (minor === oldest[1] && patch >= oldest[2]))

/** Returns why this version is not supported, as a sentence; null if it is supported, or no version number. */
export const faultOf = (version: unknown): string | null => {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(String(version)) ?? []
  if (major === undefined || isOldEnough(Number(major), Number(minor), Number(patch))) return null
  const needed = `Onelane needs Effect ${oldest[0]}, from ${oldest.join(".")} on, and finds Effect ${version}`
  return Number(major) > oldest[0]
    ? `${needed}: install effect@3, or run onelane serve in a project of its own and call it over HTTP`
    : `${needed}: npm install effect@3`
}

/** The manifest is read by its path: a package may not export it. */
const found = (): unknown => {
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths("effect") ?? []) {
    try {
      return (require(`${folder}/effect/package.json`) as { readonly version?: unknown }).version
    } catch {
      // not there: the next folder
    }
  }
  return undefined
}

/** Returns why the installed Effect is not supported, as a sentence; null if it is, or if none is found. */
export const fault = (): string | null => faultOf(found())
