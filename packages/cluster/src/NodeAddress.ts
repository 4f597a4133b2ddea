/**
 * NodeAddress: `host:port`, the address of a node as a setting writes it. Pure; loads nothing.
 */

/** Port 0: any free one. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
}

const portMax = 65_535

/** Reads `host:port`, with an IPv6 host in brackets; null for anything else. */
export const parse = (text: unknown): NodeAddress | null => {
  if (typeof text !== "string") return null
  const [, host, digits] = /^([^\s[\]:]+|\[[0-9a-f:.]+\]):(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  return host === undefined || port > portMax ? null : { host: host.replace(/^\[(.*)\]$/, "$1"), port }
}
