/**
 * Frames: messages on a socket, one JSON value a line. What is written in one turn of the event loop leaves together.
 *
 * Owns the cutting and joining; does not own what a message means (Peer, PeerServer).
 */
import type { Socket } from "node:net"

/** Writes to one socket. A socket that is gone takes everything and sends nothing. */
export interface FrameWriter {
  readonly write: (frame: unknown) => void
}

/** A writer to a socket. */
export const writer = (socket: Socket): FrameWriter => {
  let waiting = ""
  const flush = (): void => {
    const text = waiting
    waiting = ""
    if (socket.writable) socket.write(text)
  }
  return {
    write: (frame) => {
      const text = JSON.stringify(frame)
      if (waiting === "") setImmediate(flush)
      waiting += `${text}\n`
    }
  }
}

/** Hears a socket: every whole frame, in order. Anything that is not JSON, or is longer than `capacity`, ends the socket. */
export const listen = (socket: Socket, capacity: number, onFrame: (frame: unknown) => void): void => {
  let rest = ""
  socket.setEncoding("utf8")
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop()!
    try {
      for (const line of lines) if (!socket.destroyed) onFrame(JSON.parse(line))
      if (rest.length > capacity) throw new RangeError("frame too long")
    } catch {
      socket.resetAndDestroy()
    }
  })
}
