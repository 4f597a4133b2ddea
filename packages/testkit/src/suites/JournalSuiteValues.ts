/**
 * JournalSuiteValues: what `JournalSuite` stores to see whether it comes back.
 */

/** States and events: any plain JSON value, by what is odd about it. */
export const values: Readonly<Record<string, unknown>> = {
  null: null,
  number: -12.5,
  empty: "",
  nothing: {},
  list: [1, [2, [3, null]], "4"],
  "looks like JSON": '{"a":[1,"\\u0000"]}',
  quotes: `"'\`\\ \n\t -- ; DROP TABLE journal_state`,
  Unicode: "Zürich 東京 🛒 \u2028 \u202e e\u0301",
  "NUL and half a pair": ["a\0b", "\ud83d", { "k\0": "\udc00" }],
  prototype: JSON.parse('{"__proto__": 1, "constructor": 2}'),
  deep: Array.from({ length: 400 }).reduce((inner) => [inner], "deep"),
  large: Array.from({ length: 20_000 }, (_, index) => `${index} ${"x".repeat(40)}`)
}

/** Ids that something between here and the disk might take for each other. */
export const ids = [
  "",
  " ",
  "a",
  "A",
  "a ",
  "a\0",
  "a\0b",
  "a\0c",
  "%",
  "%0000",
  "a%0000b",
  "\ud83d",
  "\udc00",
  "\ufffd",
  "🛒",
  "é",
  "e\u0301",
  "'",
  '"',
  "\\u0000"
]
