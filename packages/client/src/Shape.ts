/**
 * Shape: validates values from the wire. A value of another shape throws. Unknown members are dropped.
 */

/** Reads a value, or throws. */
export type Read<A> = (value: unknown) => A

/** Refuses a value. */
const refuse = (): never => {
  throw new TypeError("unreadable")
}

const ofType =
  <A>(type: string): Read<A> =>
  (value) =>
    typeof value === type ? (value as A) : refuse()

/** Text. */
export const text: Read<string> = ofType("string")

/** True or false. */
export const flag: Read<boolean> = ofType("boolean")

/** A finite number. */
export const number: Read<number> = (value) => (Number.isFinite(value) ? (value as number) : refuse())

/** A whole number. */
export const whole: Read<number> = (value) => (Number.isSafeInteger(value) ? (value as number) : refuse())

/** An instant, ISO 8601, as epoch milliseconds. */
export const instant: Read<number> = (value) => number(Date.parse(text(value)))

/** One of these texts. */
export const oneOf =
  <const A extends string>(...texts: ReadonlyArray<A>): Read<A> =>
  (value) =>
    texts.includes(value as A) ? (value as A) : refuse()

/** A JSON object, as it came. */
export const object: Read<Readonly<Record<string, unknown>>> = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : refuse()

/** A value, or null. */
export const orNull =
  <A>(read: Read<A>): Read<A | null> =>
  (value) =>
    value === null ? null : read(value)

/** A list. */
export const list =
  <A>(read: Read<A>): Read<ReadonlyArray<A>> =>
  (value) =>
    Array.isArray(value) ? value.map(read) : refuse()

type Struct<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends Read<infer A> ? A : never }

/** An object with these members. */
export const struct = <Fields extends Readonly<Record<string, Read<unknown>>>>(
  fields: Fields
): Read<Struct<Fields>> => {
  const members = Object.entries(fields)
  return (value) => {
    const given = object(value)
    const read: Record<string, unknown> = {}
    for (const [name, readMember] of members) read[name] = readMember(given[name])
    return read as Struct<Fields>
  }
}
