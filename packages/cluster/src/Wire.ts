/**
 * Wire: one connection between two nodes. Words that are said in one turn of the event loop leave together, as one
 * message; while the other end does not read, they gather until it does.
 *
 * Owns framing (the library's MessagePack) and gathering; does not own what a word means (PeerCalls). Runs no fiber: what
 * arrives is heard on the spot, and what cannot be read ends the connection.
 */
import type { Socket } from "node:net"
import * as RpcSerialization from "@effect/rpc/RpcSerialization"
import * as Effect from "effect/Effect"

/** One end of a connection. `Said` are the words of this end: plain values, not changed any more. */
export interface Wire<Said> {
  readonly say: (word: Said) => void
  /** Words that have not left. */
  readonly unsaid: () => ReadonlyArray<Said>
}

/** What a wire is made for. */
export interface WireParts<Said, Heard> {
  /** Longest message, bytes, in both directions. */
  readonly capacity: number
  readonly hear: (word: Heard) => void
  /** Told of a word that cannot leave: it is too long, or no value that can be written down. */
  readonly refuse: (word: Said) => void
}

/** Speaks and hears on a connection. */
export const make = <Said, Heard>(socket: Socket, { capacity, hear, refuse }: WireParts<Said, Heard>): Wire<Said> => {
  const { decode, encode } = RpcSerialization.makeMsgPack({ maxBufferSize: capacity }).unsafeMake()
  let gathered: Array<Said> = []
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
