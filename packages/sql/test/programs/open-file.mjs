// Opens a file as another user, who has no rights of root's, and prints why it was refused.
import { SqliteClient } from "@onelane/sql"
import { Effect, Layer } from "effect"

const [filename] = process.argv.slice(2)
if (process.geteuid() === 0) process.setuid(65_534)
const opened = Effect.scoped(Effect.either(Layer.build(SqliteClient.layer({ filename }))))
const { _tag, left } = await Effect.runPromise(opened)
process.stdout.write(JSON.stringify(_tag === "Right" ? { reason: "OPENED", message: "" } : left))
