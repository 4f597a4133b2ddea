/**
 * Later: what a program needs only when it watches a session (`Following`), loaded when it first does. Loading `Stream`
 * costs more than opening an engine and answering the first update.
 *
 * Owns the one reference. Doors load before they watch; a layer loads before it is built.
 */

/** What is loaded. */
export type Loaded = typeof import("./Following.js")

let reference: Loaded | undefined

/** Loads it, once. */
export const load = async (): Promise<Loaded> => {
  reference ??= await import("./Following.js")
  return reference
}

/** What `load` has loaded. */
export const loaded = (): Loaded => {
  if (reference === undefined) throw new Error("a session is watched before Later.load")
  return reference
}
