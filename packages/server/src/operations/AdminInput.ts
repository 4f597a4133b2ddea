/**
 * AdminInput: schemas for the inputs of operators' operations, with error messages that say what a value must be.
 */
import { Ids } from "@onelane/checkout"
import { WireSession } from "@onelane/http"
import * as Schema from "effect/Schema"

const told = new Set<string>()

/** A schema whose error message is "must be" and these words. */
export const mustBe = <A, I>(what: string, schema: Schema.Schema<A, I>): Schema.Schema<A, I> => {
  told.add(what)
  return schema.annotations({ message: () => ({ message: what, override: true }) })
}

/** Whether a message was created by `mustBe`; messages of the library repeat the value. */
export const saysWhatItMustBe = (message: string): boolean => told.has(message)

const shown = (count: number): string => count.toLocaleString("en-US")

/** A whole number in a range. */
export const whole = (least: number, most: number) =>
  mustBe(`a whole number from ${shown(least)} to ${shown(most)}`, Schema.Int.pipe(Schema.between(least, most)))

/** A text of bounded length. */
export const textUpTo = (most: number) =>
  mustBe(`text of at most ${shown(most)} characters`, Schema.String.pipe(Schema.maxLength(most)))

/** An id of a cart, user, account or store. */
export const Id = mustBe(
  Ids.opaqueIds,
  Schema.String.pipe(
    Schema.minLength(1),
    Schema.maxLength(Ids.opaqueIdMaxLength),
    Schema.filter((id) => Ids.isOpaqueId(id))
  )
)

/** True or false. */
export const Flag = mustBe("true or false", Schema.Boolean)

/** An instant. */
export const Instant = mustBe("an instant in UTC, such as 2026-01-31T00:00:00.000Z", WireSession.Instant)

/** An empty object: the output of operations without a result, and the input of those without inputs. */
export const Done = Schema.Struct({})

/** The input of operations on one entry. */
export const named = Schema.Struct({ id: Id })

/** Where a page starts: after an id, or at the beginning if empty. */
export const After = textUpTo(Ids.opaqueIdMaxLength)

/** A count. */
export const Count = Schema.Int.pipe(Schema.nonNegative())
