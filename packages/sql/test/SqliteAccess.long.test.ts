import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { JournalSql, SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"
import { temporaryDirectory } from "./TemporaryFile.js"

const program = fileURLToPath(new URL("programs/open-file.mjs", import.meta.url))

/** Why a user without root's rights is refused a file. */
const refusedAs = (filename: string): { readonly reason: string; readonly message: string } =>
  JSON.parse(execFileSync(process.execPath, ["--no-warnings", program, filename], { encoding: "utf8" }))

const isRoot = process.geteuid?.() === 0
/** The user that the program runs as. */
const uid = isRoot ? 65_534 : (process.geteuid?.() ?? 0)

describe.skipIf(process.platform === "win32")("why a file cannot be opened", () => {
  it.scoped("a missing folder, a folder in its place, a read-only folder and a read-only file are told apart", () =>
    Effect.gen(function* () {
      const base = yield* temporaryDirectory
      chmodSync(base, 0o755)
      const folder = join(base, "folder")
      mkdirSync(folder)
      if (isRoot) chownSync(folder, uid, uid)
      const file = join(folder, "shop.db")
      yield* Effect.scoped(Layer.build(Layer.provide(JournalSql.layer, SqliteClient.layer({ filename: file }))))
      if (isRoot) chownSync(file, uid, uid)
      assert.strictEqual(refusedAs(file).reason, "OPENED")

      const missing = refusedAs(join(base, "none", "shop.db"))
      assert.include(missing.message, `the folder ${join(base, "none")} does not exist`)
      assert.include(refusedAs(folder).message, "it is a folder")
      writeFileSync(join(base, "plain"), "")
      assert.include(refusedAs(join(base, "plain", "shop.db")).message, "is not a folder")

      chmodSync(file, 0o400)
      assert.match(refusedAs(file).message, /this process may not write it \(mode 400\)/)
      chmodSync(file, 0o600)
      chmodSync(folder, 0o500)
      assert.match(refusedAs(join(folder, "new.db")).message, /may not write to the folder .*folder, where .*mode 500/)
      chmodSync(folder, 0o700)
    })
  )
  const itAsRoot = isRoot ? it.scoped : it.scoped.skip
  itAsRoot("another user's file is named with both users", () =>
    Effect.gen(function* () {
      const base = yield* temporaryDirectory
      chmodSync(base, 0o777)
      const file = join(base, "shop.db")
      yield* Effect.scoped(Layer.build(Layer.provide(JournalSql.layer, SqliteClient.layer({ filename: file }))))
      const refused = refusedAs(file)
      assert.include(refused.message, "it belongs to user 0, this process runs as user 65534 (mode 600)")
    })
  )
})
