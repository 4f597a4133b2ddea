/**
 * PostgresArray: encodes lists as PostgreSQL's binary arrays of one dimension, which need no parsing. Pure.
 * https://www.postgresql.org/docs/current/protocol-overview.html#PROTOCOL-FORMAT-CODES; the form is that of
 * `array_recv`.
 */

const headerBytes = 20
const lengthBytes = 4

const begin = (capacityBytes: number, elementType: number, count: number, hasNulls: boolean): Buffer => {
  const array = Buffer.allocUnsafe(capacityBytes)
  for (const [place, value] of [1, hasNulls ? 1 : 0, elementType, count, 1].entries())
    array.writeInt32BE(value, place * lengthBytes)
  return array
}

/** A `text[]` of texts or nulls. */
export const ofTexts = (texts: ReadonlyArray<string | null>): Buffer => {
  let capacityBytes = headerBytes
  for (const text of texts) capacityBytes += lengthBytes + (text === null ? 0 : Buffer.byteLength(text))
  const array = begin(capacityBytes, 25, texts.length, texts.includes(null))
  let at = headerBytes
  for (const text of texts) {
    if (text === null) {
      at = array.writeInt32BE(-1, at)
      continue
    }
    const written = array.write(text, at + lengthBytes)
    array.writeInt32BE(written, at)
    at += lengthBytes + written
  }
  return array
}

const word = 2 ** 32

/** A `bigint[]` of whole numbers or nulls. Each is written as two words, because a `BigInt` would allocate. */
export const ofIntegers = (integers: ReadonlyArray<number | null>): Buffer => {
  const array = begin(headerBytes + integers.length * (lengthBytes + 8), 20, integers.length, integers.includes(null))
  let at = headerBytes
  for (const integer of integers) {
    at = array.writeInt32BE(integer === null ? -1 : 8, at)
    if (integer === null) continue
    const high = Math.floor(integer / word)
    at = array.writeInt32BE(high, at)
    at = array.writeUInt32BE(integer - high * word, at)
  }
  return array.subarray(0, at)
}
