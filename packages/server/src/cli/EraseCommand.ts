/**
 * EraseCommand: `onelane erase`: remove everything about one buyer, for good.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Output from "./Output.js"
import * as Target from "./Target.js"

const options = {
  ...Target.options,
  json: Output.json,
  cart: Options.text("cart").pipe(
    Options.withPseudoName("id"),
    Options.withDescription("Erase this cart: all its sessions, and what is kept of the cart itself"),
    Options.optional
  ),
  owner: Options.text("owner").pipe(
    Options.withPseudoName("id"),
    Options.withDescription("Erase this owner: all carts that are theirs, the user, memberships and API keys"),
    Options.optional
  ),
  force: Options.withDescription(Options.boolean("force"), "Cancel live sessions; without it they refuse the erasure"),
  keepFile: Options.withDescription(
    Options.boolean("keep-file"),
    "Do not rewrite the SQLite file now; to erase many buyers, give it for all but the last"
  ),
  yes: Options.withDescription(Options.boolean("yes"), "Required: an erasure cannot be undone")
}

/** `onelane erase`. */
export const erase = Command.make("erase", options, ({ cart, force, json, keepFile, owner, yes, ...target }) => {
  if (Option.isSome(cart) === Option.isSome(owner)) return Target.misused("give --cart or --owner, one of the two")
  if (!yes) return Target.misused("an erasure cannot be undone; repeat the command with --yes")
  const whose = Option.match(cart, {
    onSome: (cartId) => ({ cartId }),
    onNone: () => ({ ownerId: Option.getOrThrow(owner) })
  })
  return Target.run(
    Effect.gen(function* () {
      const admin = yield* Target.admin(target)
      const erased = yield* admin.call("buyers.erase", { ...whose, force, compact: !keepFile })
      const { carts, entries, erasureId, sessions } = erased
      yield* Output.show(
        json,
        erased,
        () => `erased ${sessions} sessions, ${carts} carts and ${entries} directory entries (erasure ${erasureId})`
      )
      yield* Output.note(json, "backups made before still hold this buyer: docs/operate/personal-data.md")
    })
  )
}).pipe(
  Command.withDescription("Erase everything about one buyer: sessions, history, keys, carts and directory entries.")
)
