/**
 * Globals: replaces time, timers, randomness and the network of a program during a run. Time is virtual, randomness
 * comes from the seed, and `fetch` and sockets are refused with an error, because their results are not reproducible.
 *
 * Owns the replacements and their restoration. Things that cannot be replaced (a file, a thread, a timer captured
 * before) escape: a run that uses them is not reproducible, which `Simulate` reports.
 */
import crypto from "node:crypto"
import dgram from "node:dgram"
import { syncBuiltinESMExports } from "node:module"
import net from "node:net"
import timers from "node:timers"
import promises from "node:timers/promises"
import * as Processes from "./Processes.js"
import type { Seeded } from "./Seeded.js"
import type { VirtualClock } from "./VirtualClock.js"

/** The error for a program that uses the network. */
export const refusal = (what: string): string =>
  `${what} is refused in a simulation: what a network brings is never the same twice. Give the app a fake of the service (provider.service, provider.payments)`

/**
 * Installs the replacements; the returned function restores the originals. `onRefused` is called for each refused use.
 */
export const install = (clock: VirtualClock, seeded: Seeded, onRefused: (what: string) => void): (() => void) => {
  const undo: Array<() => void> = []
  const replace = (owner: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name)
    if (before?.configurable === false) return
    Object.defineProperty(owner, name, { configurable: true, enumerable: true, writable: true, value })
    undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name)
      else Object.defineProperty(owner, name, before)
    })
  }
  const replaceAll = (owner: object, values: object): void => {
    for (const [name, value] of Object.entries(values)) replace(owner, name, value)
  }
  const timing = timersOf(clock)
  replaceAll(globalThis, { ...timing, Date: dateOf(clock) })
  replaceAll(timers, timing)
  replaceAll(promises, promisesOf(timing))
  const monotonic = (): number => clock.monotonicMillis()
  replaceAll(globalThis.performance, { now: monotonic })
  replaceAll(process, { hrtime: hrtimeOf(monotonic) })
  replaceAll(Math, { random: () => seeded.below(unit) / unit })
  const random = randomOf(seeded)
  replaceAll(crypto, random)
  if (globalThis.crypto !== undefined)
    replaceAll(globalThis.crypto, { randomUUID: random.randomUUID, getRandomValues: random.getRandomValues })
  const refuse = (what: string): Error => {
    onRefused(what)
    return new Error(refusal(what))
  }
  replaceAll(globalThis, { fetch: async () => Promise.reject(refuse("fetch")) })
  replaceAll(net.Socket.prototype, { connect: connectOf(refuse) })
  replaceAll(dgram.Socket.prototype, {
    send: () => {
      throw refuse("a datagram")
    }
  })
  syncBuiltinESMExports()
  return () => {
    for (const back of undo.reverse()) back()
    syncBuiltinESMExports()
  }
}

/** `process.hrtime` of a clock of milliseconds. */
const hrtimeOf = (monotonic: () => number): NodeJS.HRTime => {
  const bigint = (): bigint => BigInt(Math.round(monotonic() * 1_000_000))
  const pair = (since: readonly [number, number] = [0, 0]): [number, number] => {
    const nanos = Number(bigint()) - since[0] * 1e9 - since[1]
    return [Math.floor(nanos / 1e9), nanos % 1e9]
  }
  return Object.assign(pair, { bigint })
}

/** Resolution of a random number between 0 and 1. */
const unit = 2 ** 30

const dateOf = (clock: VirtualClock): DateConstructor => {
  const now = (): number => clock.unsafeCurrentTimeMillis()
  return new Proxy(globalThis.Date, {
    construct: (real, given, asked) => Reflect.construct(real, given.length === 0 ? [now()] : given, asked),
    apply: (real) => new real(now()).toString(),
    get: (real, name, asked) => (name === "now" ? now : Reflect.get(real, name, asked))
  })
}

/** The timer object of `setTimeout`, as far as programs use it. */
class VirtualTimer {
  private stop: () => void = () => {}
  constructor(
    readonly id: number,
    private readonly clock: VirtualClock,
    private readonly millis: number,
    private readonly fire: () => void,
    private readonly repeats: boolean
  ) {
    this.refresh()
  }
  refresh(): this {
    this.stop()
    this.stop = this.clock.wakeAfter(this.millis, () => {
      if (this.repeats) this.refresh()
      this.fire()
    })
    return this
  }
  close(): void {
    this.stop()
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  hasRef(): boolean {
    return true
  }
  [Symbol.toPrimitive](): number {
    return this.id
  }
  [Symbol.dispose](): void {
    this.stop()
  }
}

type Callback = (...given: ReadonlyArray<unknown>) => void

const timersOf = (clock: VirtualClock) => {
  const running = new Map<number, VirtualTimer>()
  let last = 0
  const start = (
    callback: Callback,
    millis: unknown,
    given: ReadonlyArray<unknown>,
    repeats: boolean
  ): VirtualTimer => {
    const id = ++last
    const alive = Processes.whileAlive(callback)
    const fire = (): void => {
      if (!repeats) running.delete(id)
      alive(...given)
    }
    // As in Node: at least one millisecond, also for values that are no number.
    const pause = Number(millis) >= 1 && Number(millis) <= 2 ** 31 - 1 ? Number(millis) : 1
    const timer = new VirtualTimer(id, clock, pause, fire, repeats)
    running.set(id, timer)
    return timer
  }
  const stop = (timer: unknown): void => {
    const id = Number(timer)
    running.get(id)?.close()
    running.delete(id)
  }
  return {
    setTimeout: (callback: Callback, millis?: number, ...given: ReadonlyArray<unknown>) =>
      start(callback, millis, given, false),
    setInterval: (callback: Callback, millis?: number, ...given: ReadonlyArray<unknown>) =>
      start(callback, millis, given, true),
    setImmediate: (callback: Callback, ...given: ReadonlyArray<unknown>) => start(callback, 1, given, false),
    clearTimeout: stop,
    clearInterval: stop,
    clearImmediate: stop
  }
}

interface Waiting {
  readonly signal?: AbortSignal | undefined
}

const promisesOf = ({ clearTimeout, setTimeout }: ReturnType<typeof timersOf>) => {
  const wait = <A>(millis?: number, value?: A, { signal }: Waiting = {}): Promise<A | undefined> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = setTimeout(() => resolve(value), millis)
      signal?.addEventListener("abort", () => {
        clearTimeout(timer)
        reject(signal.reason)
      })
    })
  const scheduler = {
    wait: (millis?: number, waiting?: Waiting) => wait(millis, undefined, waiting),
    yield: () => wait(1)
  }
  return { setTimeout: wait, setImmediate: <A>(value?: A) => wait(1, value), scheduler }
}

const randomOf = (seeded: Seeded) => {
  const fill = <A extends ArrayBufferView | null>(view: A): A => {
    if (view === null) return view
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let place = 0; place < bytes.length; place++) bytes[place] = seeded.below(256)
    return view
  }
  const later = (callback: unknown, value: unknown): unknown => {
    if (typeof callback !== "function") return value
    queueMicrotask(() => callback(null, value))
    return undefined
  }
  return {
    getRandomValues: fill,
    randomBytes: (size: number, callback?: unknown) => later(callback, fill(Buffer.alloc(size))),
    randomInt: (low: number, high?: unknown, callback?: unknown) => {
      const [from, to] = typeof high === "number" ? [low, high] : [0, low]
      return later(typeof high === "function" ? high : callback, from + seeded.below(to - from))
    },
    randomUUID: () => {
      const hex = Buffer.from(fill(new Uint8Array(16))).toString("hex")
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
    }
  }
}

const connectOf = (refuse: (what: string) => Error) =>
  function connect(this: net.Socket): net.Socket {
    const error = refuse("a socket")
    queueMicrotask(() => this.destroy(error))
    return this
  }
