import { assert, describe, it } from "@effect/vitest"
import { type Access, Caller, CheckoutSessions, Flow, Onelane } from "@onelane/sdk"
import { attack } from "@onelane/testkit/Attack"
import { Effect, Exit, ManagedRuntime, Stream } from "effect"
import { inFolder } from "./fixture.js"

// One scenario, played twice: once in peace, once with everything attacked that goes in or comes out. Both must tell the same.
type Spoil = (value: unknown) => void
type Name = Exclude<keyof CheckoutSessions.CheckoutSessionsShape, "changes">
type Input = { readonly [name: string]: unknown }

interface Door {
  readonly call: (name: Name, caller: Caller.Caller, input: Input, spoil: Spoil) => Promise<unknown>
  /** The entries after a version, up to the one wanted; each is spoiled as it comes. */
  readonly changes: (caller: Caller.Caller, input: Input, last: string, spoil: Spoil) => Promise<ReadonlyArray<string>>
  readonly close: () => Promise<unknown>
}

type Options = Parameters<typeof Onelane.open>[0]
type AnyDoor = { readonly [name: string]: (input: unknown, options?: unknown) => any }

const promises =
  (signal: boolean) =>
  async (options: Options, spoil: Spoil): Promise<Door> => {
    const opening = Onelane.open(options)
    spoil(options)
    const checkout = await opening
    const as = (caller: Caller.Caller): AnyDoor => {
      const door = checkout.as(caller)
      spoil(caller)
      return door as unknown as AnyDoor
    }
    return {
      call: (name, caller, input) => {
        const answer = as(caller)[name]!(input, signal ? { signal: new AbortController().signal } : undefined)
        spoil(input)
        return answer
      },
      changes: async (caller, input, last) => {
        const seen: Array<string> = []
        for await (const entry of as(caller).changes!(input)) {
          const { type } = entry
          seen.push(JSON.stringify(entry))
          spoil(entry)
          if (type === last) break
        }
        return seen
      },
      close: () => checkout.close()
    }
  }

const effects = async (options: Options, spoil: Spoil): Promise<Door> => {
  const layer = Onelane.layer(options)
  spoil(options)
  const runtime = ManagedRuntime.make(layer)
  const sessions = await runtime.runPromise(Effect.map(CheckoutSessions.CheckoutSessions, (service) => service))
  return {
    call: async (name, caller, input) => {
      const effect = sessions[name](caller, input as never) as Effect.Effect<unknown, unknown>
      spoil(caller)
      spoil(input)
      return Exit.match(await runtime.runPromiseExit(effect), {
        onSuccess: (value) => ({ ok: true, value }),
        onFailure: (cause) => {
          const error = cause._tag === "Fail" ? cause.error : cause
          return { ok: false, error }
        }
      })
    },
    changes: (caller, input, last) => {
      const stream = sessions.changes(caller, input as never)
      spoil(caller)
      spoil(input)
      const entries = Stream.map(stream, (entry) => {
        const seen = [JSON.stringify(entry), entry.type] as const
        spoil(entry)
        return seen
      }).pipe(Stream.takeUntil(([, type]) => type === last))
      return runtime.runPromise(Effect.map(Stream.runCollect(entries), (seen) => Array.from(seen, ([text]) => text)))
    },
    close: () => runtime.dispose()
  }
}

const buyer = () => ({ userId: "ann", roles: ["buyer-checkout" as const], actingAccountId: null })
const operator = () => ({ userId: "op", roles: ["modify-all-data" as const], actingAccountId: null })
const stranger = () => ({ userId: "eve", roles: [], actingAccountId: null })

// A schema that goes on changing what it was given.
const schema = (spoil: Spoil) => ({
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => {
      const isRight = (value as { wrong?: unknown }).wrong === undefined
      spoil(value)
      queueMicrotask(() => spoil(value))
      return isRight ? { value } : { issues: [{ message: "wrong", path: ["wrong"] }] }
    }
  }
})

const definition = (spoil: Spoil) => ({
  name: "attacked",
  initial: "Start" as const,
  transitions: { Start: ["Host"], Host: ["Run"], Run: ["Pay"], Pay: ["Done"], Done: [] } as const,
  data: schema(spoil),
  tasks: {
    Host: {},
    Run: {
      run: (context: unknown) => {
        spoil(context)
        const result = { orderId: "order-1", data: { paid: { by: "card" } } }
        queueMicrotask(() => spoil(result))
        return result
      }
    },
    Pay: {
      retry: { limit: 0 },
      run: (context: unknown) => {
        spoil(context)
        return Effect.fail({ code: "DECLINED", message: "no money", final: true })
      }
    }
  }
})

type Call = (name: Name, caller: Caller.Caller, input: Input) => Promise<any>
type Tell = (what: string, value: unknown) => void

const attackedFlow = (spoil: Spoil): Flow.Flow => {
  const written = definition(spoil)
  const flow: Flow.Flow = Flow.defineFlow(written)
  spoil(written)
  spoil(flow)
  return flow
}

// Ports that say what they were asked, and go on changing what they were given and what they answered.
const attackedPorts = (tell: Tell, spoil: Spoil) => {
  const soon = <A>(value: A): A => {
    queueMicrotask(() => spoil(value))
    return value
  }
  const access = {
    mayInvoke: (caller: Caller.Caller, action: Access.Action) => {
      const allowed = caller.roles.length > 0
      if (action !== "read") tell("mayInvoke", caller)
      spoil(caller)
      return allowed
    },
    // How often a stream asks for the right to read is a matter of time, so that is not told.
    rights: (caller: Caller.Caller, action: Access.Action, subject: Access.Subject) => {
      if (action !== "read") tell("rights", [caller, subject])
      spoil(caller)
      spoil(subject)
      return soon({ mayInvoke: true, maySee: true, accountAccessible: true, storeMember: true })
    }
  }
  const cart = (id: string) => ({ id, storeId: "s", accountId: "a", ownerId: "ann", status: "Active" as const })
  return { access, carts: { find: (id: string) => soon(cart(id)) } }
}

/** What a run tells: every answer, everything a port was asked, and what is stored in the end. */
const play = async (
  storage: string,
  enter: (options: Options, spoil: Spoil) => Promise<Door>,
  spoil: Spoil
): Promise<ReadonlyArray<string>> => {
  const told: Array<string> = []
  const tell: Tell = (what, value) => void told.push(`${what}: ${JSON.stringify(value)}`)
  const given = { storage, flow: attackedFlow(spoil), ...attackedPorts(tell, spoil), expiresInMillis: 60_000 }
  const door = await enter({ ...given, retry: { limit: 1 } } as Options, spoil)
  const call: Call = async (name, caller, input) => {
    const answer = await door.call(name, caller, structuredClone(input), spoil)
    tell(name, answer)
    const kept = structuredClone(answer)
    spoil(answer)
    return kept
  }
  const { value } = await call("open", buyer(), { cartId: "cart-1", data: { address: { city: "Ulm", lines: ["1"] } } })
  const checkoutSessionId: string = value.session.id
  await moves(call, checkoutSessionId)
  await watching(call, door, tell, spoil, checkoutSessionId)
  await refusals(call, checkoutSessionId)
  await door.close()
  if (storage !== ":memory:") {
    await using again = await Onelane.open({ storage, flow: Flow.defineFlow(definition(() => {})) })
    tell("stored", [await again.get({ checkoutSessionId }), await again.history({ checkoutSessionId })])
  }
  return normal(told)
}

const mover =
  (call: Call, checkoutSessionId: string) =>
  (from: string, to: string, more: Input = {}) =>
    call("update", buyer(), { checkoutSessionId, expCurrentState: from, nextState: to, ...more })

const moves = async (call: Call, checkoutSessionId: string): Promise<void> => {
  const move = mover(call, checkoutSessionId)
  await call("open", buyer(), { cartId: "cart-1" })
  await Promise.all([move("Start", "Host"), move("Start", "Host"), move("Start", "Host")])
  await move("Start", "Host")
  await move("Host", "Done")
  await move("Host", "Run", { idempotencyKey: "k", data: { address: { lines: ["1", "2"] } } })
  await move("Host", "Run", { idempotencyKey: "k", data: { address: { lines: ["1", "2"] } } })
  await move("Host", "Pay", { idempotencyKey: "k" })
  await move("Host", "Run")
  const { value: claimed } = await call("get", buyer(), { checkoutSessionId })
  const operation = { checkoutSessionId, operationId: claimed.operationId }
  await call("completeTask", operator(), { ...operation, operationId: "op_other" })
  await call("completeTask", operator(), { ...operation, data: { wrong: 1 } })
  await call("completeTask", operator(), { ...operation, data: { stock: [{ sku: "x" }] } })
  await call("completeTask", operator(), { ...operation, data: { stock: [{ sku: "x" }] } })
  await call("failTask", operator(), { ...operation, code: "LATE" })
  await call("releaseClaim", operator(), { ...operation, reason: "late" })
  await call("move", operator(), { checkoutSessionId, state: "Nowhere", reason: "lost" })
}

const watching = async (call: Call, door: Door, tell: Tell, spoil: Spoil, checkoutSessionId: string): Promise<void> => {
  const move = mover(call, checkoutSessionId)
  const follow = (afterVersion: number, last: string) =>
    door.changes(buyer(), { checkoutSessionId, afterVersion }, last, spoil)
  const streams = Promise.all([follow(0, "TaskFailed"), follow(0, "TaskFailed"), follow(4, "TaskFailed")])
  await move("Run", "Pay")
  tell("until the order", await follow(4, "TaskCompleted"))
  await move("Pay", "Done")
  tell("streams", await streams)
  for (const afterVersion of [0, 4]) await call("history", buyer(), { checkoutSessionId, afterVersion, limit: 50 })
}

const refusals = async (call: Call, checkoutSessionId: string): Promise<void> => {
  const move = mover(call, checkoutSessionId)
  await call("update", buyer(), { checkoutSessionId: "!", expCurrentState: "Start", nextState: "Host" })
  await move("Start", "Nowhere")
  await move("Start", "Host", { surplus: 1 })
  await move("Start", "Host", { data: [1] })
  await call("get", buyer(), {})
  for (let again = 0; again < 2; again++) {
    await call("get", stranger(), { checkoutSessionId })
    await call("get", buyer(), { checkoutSessionId: "cs_none" })
    await call("get", buyer(), { checkoutSessionId: "!" })
    await call("cancel", buyer(), { checkoutSessionId })
  }
  await call("get", buyer(), { checkoutSessionId })
  await call("history", buyer(), { checkoutSessionId })
  await call("open", buyer(), { cartId: "cart-1", expiresInMillis: 1_000 })
}

// Ids and instants differ between two runs; which of them are the same does not.
const normal = (told: ReadonlyArray<string>): ReadonlyArray<string> => {
  const ids = new Map<string, string>()
  const named = (id: string): string => {
    if (!ids.has(id)) ids.set(id, `id-${ids.size}`)
    return ids.get(id)!
  }
  return told.map((line) =>
    line.replace(/(?:op_)?(?:req|cs)_[A-Za-z0-9_-]{10,}/g, named).replace(/\b1[0-9]{12}\b/g, "T")
  )
}

const doors = {
  "the Promise door": promises(false),
  "the Promise door with a signal": promises(true),
  "the layer": effects
}

describe("values", () => {
  for (const [door, enter] of Object.entries(doors))
    for (const isFile of [false, true])
      it(
        `${door}, ${isFile ? "a file" : "memory"}: whatever is done to what goes in or comes out, all is told and kept as in peace`,
        () =>
          inFolder(async (file) => {
            const storage = (name: string) => (isFile ? `${file}-${name}` : ":memory:")
            const peace = await play(storage("peace"), enter, () => {})
            const war = await play(storage("war"), enter, attack)
            assert.deepStrictEqual(war, peace)
            assert.isAbove(peace.length, 80)
          }),
        60_000
      )

  it("what the whole process shares cannot be changed", async () => {
    attack([Flow.presets, Flow.b2b, Flow.any, Caller.host, Caller.roles])
    await using checkout = await Onelane.open({ storage: ":memory:", flow: "b2b" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const input = { checkoutSessionId: session.id, expCurrentState: "Start", nextState: "Inventory" } as const
    assert.isTrue((await checkout.update(input)).ok)
    assert.deepStrictEqual([...Flow.b2b.edges.get("Start")!], ["Shipping Address", "Inventory"])
  })

  it("each field of an input is read once", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const { session } = await checkout.openOrThrow({ cartId: "cart-1" })
    const reads: Array<PropertyKey> = []
    const counting = <A extends object>(input: A): A =>
      new Proxy(input, {
        get: (target, name, receiver) => {
          reads.push(name)
          return reads.filter((read) => read === name).length > 1 ? "changed" : Reflect.get(target, name, receiver)
        }
      })
    const update = counting({
      checkoutSessionId: session.id,
      expCurrentState: "Start",
      nextState: "Inventory",
      data: undefined
    } as const)
    assert.isTrue((await checkout.update(update)).ok)
    assert.deepStrictEqual([...new Set(reads)].length, reads.length)
    reads.length = 0
    assert.isTrue((await checkout.cancel(counting({ cartId: "cart-1" }))).ok)
    assert.deepStrictEqual([...new Set(reads)].length, reads.length)
  })
})
