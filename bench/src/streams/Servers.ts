/**
 * Servers: senders of server-sent events. Both send the same events of the same sessions. The bare server keeps a state
 * and a version per session and checks nothing; ours has the parts of `onelane serve`, over an engine in memory.
 */
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setInterval } from "node:timers/promises"
import { Caller, CheckoutEngine, CheckoutSessions } from "@onelane/checkout"
import { JournalMemory } from "@onelane/engine"
import { Authentication, CheckoutServer, DoorMetrics } from "@onelane/http"
import { Listener } from "@onelane/server"
import { Effect, Exit, ManagedRuntime, Scope } from "effect"
import { firstState, nextOf } from "../Load.js"
import { engineOver, openThrough } from "../subjects/Onelane.js"

/** A server of event streams. */
export interface Streaming {
  readonly port: number
  /** Ids of its sessions, all in the first state at version 1. */
  readonly ids: ReadonlyArray<string>
  /** Moves a session to its next state and returns its new version. */
  readonly move: (index: number) => Promise<number>
  readonly close: () => Promise<void>
}

/** The token of the one reader. */
export const token = "bench"

/** The path of a session's events. */
export const pathOf = (id: string): string => `/v1/checkout-sessions/${id}/events`

const heartbeatMillis = 15_000

interface Plain {
  state: string
  version: number
  readonly readers: Set<ServerResponse>
}

/** `node:http`, a set of responses a session, and one text a change. */
const bare = async (count: number): Promise<Streaming> => {
  const ids = Array.from({ length: count }, (_, index) => `cs_${index}`)
  const sessions = new Map(
    ids.map((id): [string, Plain] => [id, { state: firstState, version: 1, readers: new Set() }])
  )
  const server = createServer((request, response) => {
    const session = sessions.get(request.url!.split("/")[3] ?? "")
    if (session === undefined || request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" })
    response.flushHeaders()
    session.readers.add(response)
    response.on("close", () => session.readers.delete(response))
  })
  const closing = new AbortController()
  const beating = async (): Promise<void> => {
    for await (const _ of setInterval(heartbeatMillis, null, { signal: closing.signal })) {
      for (const { readers } of sessions.values()) for (const reader of readers) reader.write(": heartbeat\n\n")
    }
  }
  beating().catch(() => {})
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    ids,
    move: async (index) => {
      const session = sessions.get(ids[index]!)!
      const from = session.state
      session.state = nextOf(from)
      session.version += 1
      const { state: to, version } = session
      const body = JSON.stringify({ version, type: "Updated", at: new Date().toISOString(), from, to, data: null })
      const text = `id: ${version}\nevent: change\ndata: ${body}\n\n`
      for (const reader of session.readers) reader.write(text)
      return version
    },
    close: async () => {
      closing.abort()
      await new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections())
    }
  }
}

/** Ours: its listener, token, limits, metrics. */
const onelane = async (count: number): Promise<Streaming> => {
  const runtime = ManagedRuntime.make(engineOver(JournalMemory.layer))
  const sessions = await runtime.runPromise(CheckoutSessions.CheckoutSessions)
  const engine = await runtime.runPromise(CheckoutEngine.CheckoutEngine)
  const ids = await runtime.runPromise(openThrough(sessions, count))
  const states = ids.map(() => firstState)
  const scope = Effect.runSync(Scope.make())
  const listener = Effect.runSync(Listener.make())
  const identity = Authentication.byShape([Authentication.fixed({ [token]: Caller.host })])
  const core = CheckoutServer.core({
    metrics: DoorMetrics.make(),
    startUpdate: engine.startUpdate,
    limits: { heartbeatMillis, streamsMaxCount: Number.MAX_SAFE_INTEGER }
  })
  await Effect.flatMap(core, (made) => Listener.answer(listener, made)).pipe(
    Effect.zipRight(Listener.listen(listener, "127.0.0.1", 0)),
    Effect.provideService(Authentication.Authentication, identity),
    Effect.provideService(CheckoutSessions.CheckoutSessions, sessions),
    Scope.extend(scope),
    Effect.runPromise
  )
  return {
    port: Number(new URL(Listener.urlOf(listener)).port),
    ids,
    move: async (index) => {
      const expCurrentState = states[index]!
      const nextState = nextOf(expCurrentState)
      states[index] = nextState
      const update = sessions.update(Caller.host, { checkoutSessionId: ids[index]!, expCurrentState, nextState })
      return (await runtime.runPromise(update)).session.version
    },
    close: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await Effect.runPromise(Listener.close(listener))
      await runtime.dispose()
    }
  }
}

/** The servers. */
export const servers = { bare, onelane } as const
