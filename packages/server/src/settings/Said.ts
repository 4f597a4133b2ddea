/**
 * Said: parsers for setting values, with readable errors.
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"

/** Reads a file; may throw. */
export type ReadFile = (path: string) => string

const unread: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "this process may not read it",
  EISDIR: "it is a folder"
}

/** Why a file could not be read or parsed, in a few words. */
export const whyOf = (cause: unknown): string => {
  const { code = "", message = String(cause) } = Object(cause) as NodeJS.ErrnoException
  return unread[code] ?? message
}

/** A config error with this message. */
export const invalid = (message: string): ConfigError.ConfigError => ConfigError.InvalidData([], message)

/** A text, parsed by `read`. */
export const as = <A>(name: string, read: (text: string) => Either.Either<A, string>): Config.Config<A> =>
  Config.mapOrFail(Config.string(name), (text) => Either.mapLeft(read(text), invalid))

/** One of the names of `choices`. */
export const oneOf = <K extends string>(name: string, choices: Readonly<Record<K, unknown>>): Config.Config<K> =>
  as(name, (text) =>
    Object.hasOwn(choices, text)
      ? Either.right(text as K)
      : Either.left(`not one of ${Object.keys(choices).join(", ")}: ${JSON.stringify(text)}`)
  )

/** How many faults are reported. */
const toldFaults = 3

/** The faults of a value, in one line. `hidesNames`: its top-level names are secrets. */
export const faultOf = (error: ParseResult.ParseError, hidesNames = false): string =>
  ParseResult.ArrayFormatter.formatErrorSync(error)
    .slice(0, toldFaults)
    .map(({ message, path }) => {
      const names = path.map((name, depth) => (hidesNames && depth === 0 ? "…" : String(name)))
      return `${names.length === 0 ? "" : `${names.join(".")}: `}${message.replace(/\s+/g, " ")}`
    })
    .join("; ")

/** JSON, parsed by `decode`: the text itself if it starts with a brace, else the file it names. */
export const jsonAs = <A>(
  name: string,
  decode: (text: string) => Either.Either<A, string>,
  readFile: ReadFile
): Config.Config<A> =>
  as(name, (said) => {
    const isInline = said.trimStart().startsWith("{")
    return Either.try(() => (isInline ? said : readFile(said))).pipe(
      Either.flatMap(decode),
      Either.mapLeft((why) => `${isInline ? "" : `${said}: `}${typeof why === "string" ? why : whyOf(why)}`)
    )
  })

/** JSON that matches a schema; otherwise like `jsonAs`. `hidesNames`: as in `faultOf`. */
export const json = <A, I>(
  name: string,
  schema: Schema.Schema<A, I>,
  readFile: ReadFile,
  hidesNames = false
): Config.Config<A> => {
  const decode = Schema.decodeUnknownEither(Schema.parseJson(schema), { onExcessProperty: "error" })
  return jsonAs(name, (text) => Either.mapLeft(decode(text), (error) => faultOf(error, hidesNames)), readFile)
}

/** Any JSON. */
export const parsed = (text: string): Either.Either<unknown, string> =>
  Either.try({ try: (): unknown => JSON.parse(text), catch: whyOf })
