import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Runs a test with the name of a file that is not there yet. */
export const inFolder = async (test: (file: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "onelane-sdk-"))
  try {
    await test(join(folder, "checkout.db"))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The first update of a session. */
export const toInventory = (checkoutSessionId: string) =>
  ({ checkoutSessionId, expCurrentState: "Start", nextState: "Inventory" }) as const

/** What an answer says in a word. */
export const tagOf = (answer: { readonly ok: boolean; readonly error?: { readonly _tag: string } }) =>
  answer.ok ? "ok" : answer.error?._tag
