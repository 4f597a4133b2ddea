/**
 * UnreadAnswers: counts the bytes of answers that clients have not read yet, over all connections of a listener. Above
 * the limit, the connection with the most unread bytes is cut, so that a client that does not read harms only itself.
 *
 * Counts only the memory of a single answer; shared pages are not counted.
 */
import type { Socket } from "node:net"

/** The count of one listener. */
export interface UnreadAnswers {
  /**
   * Counts bytes that were written to a connection and not read yet. Call the returned function when they were read.
   */
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
    // A reset also drops the kernel's send buffer for this client.
    most.socket.resetAndDestroy()
  }

  const take = (reader: Reader, bytes: number): void => {
    // The count of a connection that was cut or closed is already gone.
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
