/**
 * RaceTarget: the raced host, and whether it may be raced. Unless the user confirms to own the host, all addresses of
 * its name must belong to this machine. The addresses are looked up once, and connections go to these alone.
 */
import type { LookupAddress } from "node:dns"
import { lookup } from "node:dns/promises"
import { BlockList, isIP } from "node:net"

/** A host that may be raced. */
export interface RaceTarget {
  /** `http://host:port`. */
  readonly origin: string
  /** The path prefix of every request; empty, or it begins with a slash and does not end with one. */
  readonly base: string
  readonly addresses: ReadonlyArray<LookupAddress>
}

/** Looks up names. */
export type Resolve = (hostname: string) => Promise<ReadonlyArray<LookupAddress>>

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

/** Whether an address belongs to this machine, also if it is an IPv4 address written as IPv6. */
export const isLoopback = (address: string): boolean => {
  const family = isIP(address)
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6")
}

const resolveName: Resolve = (hostname) => lookup(hostname, { all: true })

const urlOf = (text: string): URL | string => {
  if (!URL.canParse(text)) return "the URL is not valid: give it as http://127.0.0.1:8080"
  const url = new URL(text)
  if (url.protocol !== "http:" && url.protocol !== "https:") return "the URL must begin with http:// or https://"
  if (url.username !== "" || url.password !== "")
    return "the URL must not hold a user or a password: give the token by --token-file"
  if (url.search !== "" || url.hash !== "") return "the URL must have no query and no fragment"
  return url
}

/** The target of a URL. Fails with one sentence if it may not be raced. */
export const make = async (
  text: string,
  isOwn: boolean,
  resolve: Resolve = resolveName
): Promise<RaceTarget | string> => {
  const url = urlOf(text)
  if (typeof url === "string") return url
  // The URL parser has normalized decimal, octal and shortened addresses.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
  const family = isIP(host)
  const addresses =
    family === 0 ? await resolve(host).catch(() => [] as ReadonlyArray<LookupAddress>) : [{ address: host, family }]
  if (addresses.length === 0) return `the host ${host} has no address`
  const foreign = addresses.find(({ address }) => !isLoopback(address))
  if (foreign !== undefined && !isOwn) {
    const shown = foreign.address === host ? host : `${host} (${foreign.address})`
    return `${shown} is not this machine: a race loads it with concurrent writes. If the host is yours, add --i-own-this-host`
  }
  return { origin: url.origin, base: url.pathname.replace(/\/+$/, ""), addresses }
}
