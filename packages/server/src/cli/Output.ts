/**
 * Output: prints results as a table for people or as one line of JSON for programs. Ids may contain any text, so
 * terminal control characters are escaped.
 */
import { writeFileSync } from "node:fs"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ending from "../serve/Ending.js"

/** The switch of every command that prints a result. */
export const json = Options.withDescription(Options.boolean("json"), "One line of JSON instead of a table")

/** A row: column names to values, in order. */
export type Row = Readonly<Record<string, unknown>>

const escaped = (character: string): string => JSON.stringify(character).slice(1, -1)

const cell = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return "-"
  const text = Array.isArray(value) ? value.join(" ") || "-" : String(value)
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => {
    const shown = escaped(character)
    return shown === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}` : shown
  })
}

/** An instant for people. */
export const instant = (millis: number | null): string | null =>
  millis === null ? null : new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

/** Rows with a header; `empty` if there is none. */
export const table = (rows: ReadonlyArray<Row>, empty: string): string => {
  const columns = Object.keys(rows[0] ?? {})
  if (columns.length === 0) return empty
  const lines = [
    columns.map((name) => name.toUpperCase()),
    ...rows.map((row) => columns.map((name) => cell(row[name])))
  ]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** One row, one line per column. */
export const list = (row: Row): string => {
  const width = Math.max(...Object.keys(row).map((name) => name.length))
  return Object.entries(row)
    .map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}`)
    .join("\n")
}

/** Writes the text to the file that an option names, if both exist. Fails with a sentence. */
export const written = (path: Option.Option<string>, text: () => string | null): Effect.Effect<void, string> =>
  Effect.suspend(() => {
    const whole = Option.isSome(path) ? text() : null
    if (Option.isNone(path) || whole === null) return Effect.void
    return Effect.try({
      try: () => writeFileSync(path.value, whole),
      catch: (thrown) => `cannot write ${path.value}: ${Ending.sentenceOf(thrown as object)}`
    })
  })

/** Writes to standard output: for programs, or for people. */
export const show = (asJson: boolean, value: unknown, forPeople: () => string): Effect.Effect<void> =>
  Ending.print(process.stdout, asJson ? JSON.stringify(value) : forPeople())

/** A remark for people; not printed with `--json`. */
export const note = (asJson: boolean, text: string): Effect.Effect<void> =>
  asJson ? Effect.void : Ending.print(process.stderr, text)
