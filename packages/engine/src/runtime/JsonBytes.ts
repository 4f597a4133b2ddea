/**
 * JsonBytes: estimates the size of a JSON value in bytes, for bounds. Counts its JSON text in UTF-8; characters that
 * JSON escapes are counted unescaped. Pure, and does not recurse.
 */

const valueBytes = 8
const punctuationBytes = 4

/** The bytes of a value; 0 for null and undefined, which stand for "none". */
export const of = (value: unknown): number => {
  if (value === undefined || value === null) return 0
  let bytes = 0
  const rest: Array<unknown> = [value]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === "string") bytes += Buffer.byteLength(next) + punctuationBytes
    else if (typeof next !== "object" || next === null) bytes += valueBytes
    else bytes += punctuationBytes + pushMembers(next, rest)
  }
  return bytes
}

// Returns the bytes of the names.
const pushMembers = (value: object, rest: Array<unknown>): number => {
  if (Array.isArray(value)) {
    for (const element of value) rest.push(element)
    return 0
  }
  let bytes = 0
  for (const name of Object.keys(value)) {
    bytes += Buffer.byteLength(name) + punctuationBytes
    rest.push((value as Readonly<Record<string, unknown>>)[name])
  }
  return bytes
}
