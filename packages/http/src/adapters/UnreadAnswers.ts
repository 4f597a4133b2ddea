/**
 * UnreadAnswers: the bytes of answers that clients have not taken yet, all connections of a listener together. Where they
 * are too many, the connection with the most of them is cut, so that clients who do not read cost only themselves.
 *
 * Counts what belongs to one answer alone; pages that all answers share are no answer's own.
 */
import type { Socket } from "node:net"

/** The count of one listener. */
export interface UnreadAnswers {
  /** Counts bytes that were written to a connection and not taken. The returned function says that they were. */
  readonly add: (socket: Socket, bytes: number) => () => void
  /** Bytes counted now. */
  readonly bytes: () => number
}

interface Reader {
  readonly socket: Socket
  bytes: number
}

/** Makes the count, with at most `maxBytes` at once. */
export const make = (maxBytes: number): UnreadAnswers => {
  let total = 0
  const readers = new Map<Socket, Reader>()

  const forget = (reader: Reader): void => {
    if (!readers.delete(reader.socket)) return
    total -= reader.bytes
    reader.bytes = 0
  }

  const readerOf = (socket: Socket): Reader => {
    const known = readers.get(socket)
    if (known !== undefined) return known
    const reader: Reader = { socket, bytes: 0 }
    readers.set(socket, reader)
    socket.once("close", () => forget(reader))
    return reader
  }

  const cutMost = (): void => {
    let most: Reader | null = null
    for (const reader of readers.values()) if (most === null || reader.bytes > most.bytes) most = reader
    if (most === null) return
    forget(most)
    // The system forgets what it still has for this client, too.
    most.socket.resetAndDestroy()
  }

  const take = (reader: Reader, bytes: number): void => {
    // What a connection that was cut or closed had left is forgotten with it.
    if (!readers.has(reader.socket)) return
    total -= bytes
    reader.bytes -= bytes
  }

  return {
    add: (socket, bytes) => {
      const reader = readerOf(socket)
      total += bytes
      reader.bytes += bytes
      while (total > maxBytes) cutMost()
      return () => take(reader, bytes)
    },
    bytes: () => total
  }
}
