/**
 * Mailbox: envelopes that wait for their turn, first in first out. An intrusive doubly linked list, so a cancelled
 * command is unlinked in constant time. The activation has the limit, which also counts answers that wait for a commit.
 */
import type { Envelope } from "./Envelope.js"

/** A queue of envelopes. */
export interface Mailbox {
  first: Envelope | null
  last: Envelope | null
  size: number
}

/** Adds at the end. */
export const offer = (mailbox: Mailbox, envelope: Envelope): void => {
  envelope.queued = true
  envelope.previous = mailbox.last
  envelope.next = null
  if (mailbox.last === null) mailbox.first = envelope
  else mailbox.last.next = envelope
  mailbox.last = envelope
  mailbox.size += 1
}

/** Puts envelopes back in front, in their order. */
export const putBack = (mailbox: Mailbox, envelopes: ReadonlyArray<Envelope>): void => {
  for (let index = envelopes.length - 1; index >= 0; index--) {
    const envelope = envelopes[index]!
    envelope.queued = true
    envelope.previous = null
    envelope.next = mailbox.first
    if (mailbox.first === null) mailbox.last = envelope
    else mailbox.first.previous = envelope
    mailbox.first = envelope
    mailbox.size += 1
  }
}

/** Removes an envelope at any position. */
export const remove = (mailbox: Mailbox, envelope: Envelope): void => {
  if (!envelope.queued) return
  if (envelope.previous === null) mailbox.first = envelope.next
  else envelope.previous.next = envelope.next
  if (envelope.next === null) mailbox.last = envelope.previous
  else envelope.next.previous = envelope.previous
  envelope.previous = null
  envelope.next = null
  envelope.queued = false
  mailbox.size -= 1
}

/** Removes and returns the first; null if empty. */
export const take = (mailbox: Mailbox): Envelope | null => {
  const envelope = mailbox.first
  if (envelope !== null) remove(mailbox, envelope)
  return envelope
}
