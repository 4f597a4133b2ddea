/**
 * Wire: one connection between two nodes. Messages of one turn of the event loop are sent together, in one frame; while
 * the other end does not read, they are buffered.
 *
 * Owns framing (the library's MessagePack) and buffering; PeerCalls owns what a message means. Runs no fiber: messages
 * are handled synchronously when they arrive, and an unreadable one ends the connection.
 */
import type { Socket } from "node:net"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import { JsonBytes } from "@onelane/engine"
import * as Effect from "effect/Effect"

/** One end of a connection. `Said`: the messages of this end, plain values that nobody changes any more. */
export interface Wire<Said> {
  readonly say: (word: Said) => void
  /** Messages that were not sent yet. */
  readonly unsaid: () => ReadonlyArray<Said>
}

/** The limits and handlers of a connection. */
export interface WireParts<Said, Heard> {
  /** Longest frame in bytes, in both directions. Twice as much waits while the other end does not read. */
  readonly capacity: number
  readonly hear: (word: Heard) => void
  /**
   * Called with a message that cannot be sent: too long, not serializable, or one too many for an end that does not
   * read.
   */
  readonly refuse: (word: Said) => void
}

/** Shorter messages are always accepted, so that a refusal can be reported. */
const smallBytes = 256

/** Opens the protocol on a connection. */
export const make = <Said, Heard>(socket: Socket, { capacity, hear, refuse }: WireParts<Said, Heard>): Wire<Said> => {
  const { decode, encode } = RpcSerialization.makeMsgPack({ maxBufferSize: capacity }).unsafeMake()
  let gathered: Array<Said> = []
  let backlogBytes = 0
  let isLeaving = false
  const send = (words: ReadonlyArray<Said>): void => {
    const message = encoded(encode, words, capacity)
    if (message !== null) return void socket.write(message)
    if (words.length === 1) return refuse(words[0]!)
    const half = words.length >> 1
    send(words.slice(0, half))
    send(words.slice(half))
  }
  const leave = (): void => {
    if (!socket.writable) return
    if (!socket.writableNeedDrain) {
      const words = gathered
      gathered = []
      backlogBytes = 0
      send(words)
    }
    isLeaving = gathered.length > 0
    if (!isLeaving) return
    if (socket.writableNeedDrain) socket.once("drain", leave)
    else setImmediate(leave)
  }
  socket.on("data", (chunk) => {
    try {
      for (const words of decode(chunk) as ReadonlyArray<ReadonlyArray<Heard>>) for (const word of words) hear(word)
    } catch {
      socket.destroy()
    }
  })
  return {
    say: (word) => {
      if (socket.writableNeedDrain) {
        const bytes = JsonBytes.of(word)
        if (bytes > smallBytes && backlogBytes + bytes > 2 * capacity) return refuse(word)
        backlogBytes += bytes
      }
      gathered.push(word)
      if (isLeaving) return
      isLeaving = true
      setImmediate(leave)
    },
    unsaid: () => gathered
  }
}

const encoded = (encode: (value: unknown) => string | Uint8Array | undefined, words: unknown, capacity: number) => {
  try {
    const message = encode(words)
    return message !== undefined && message.length <= capacity ? message : null
  } catch {
    return null
  }
}

/** Waits for the end of a connection. Interrupting ends it. */
export const ended = (socket: Socket): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (socket.closed) return resume(Effect.void)
    socket.once("close", () => resume(Effect.void))
    return Effect.sync(() => socket.destroy())
  })
