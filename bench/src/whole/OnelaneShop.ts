/** OnelaneShop: ours, by the SDK with its options as they come, driven in the ways a user has. */
import { type EmbeddedCheckout, type Flow, Onelane } from "@onelane/sdk"
import { flowOf, isWorkedOn, stateAt, transitions, versionsOf } from "./Route.js"
import { alone, makeRuns, type Shop } from "./Shop.js"

/** How a caller learns that work is done: it does the work itself, it asks again, it follows, it waits, or it need not know. */
export type Driver = "host" | "get" | "changes" | "wait" | "proceed"

type Walk = (checkout: EmbeddedCheckout<Flow.Flow>, checkoutSessionId: string) => Promise<void>

const step = (index: number) => ({ expCurrentState: stateAt(index), nextState: stateAt(index + 1) })

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const byHost: Walk = async (checkout, checkoutSessionId) => {
  for (let index = 0; index < transitions; index++) {
    const { session } = await checkout.updateOrThrow({ checkoutSessionId, ...step(index) })
    if (isWorkedOn(index)) await checkout.completeTaskOrThrow({ checkoutSessionId, operationId: session.operationId! })
  }
}

const byGet: Walk = async (checkout, checkoutSessionId) => {
  for (let index = 0; index < transitions; index++) {
    await checkout.updateOrThrow({ checkoutSessionId, ...step(index) })
    if (!isWorkedOn(index)) continue
    while ((await checkout.getOrThrow({ checkoutSessionId })).isProcessing) await tick()
  }
}

const byChanges: Walk = async (checkout, checkoutSessionId) => {
  await checkout.updateOrThrow({ checkoutSessionId, ...step(0) })
  let index = 0
  for await (const { to, type } of checkout.changes({ checkoutSessionId, afterVersion: 1 })) {
    if (type === "Claimed") continue
    index += 1
    if (to !== stateAt(index)) throw new Error(`${to} instead of ${stateAt(index)}`)
    if (index < transitions) await checkout.updateOrThrow({ checkoutSessionId, ...step(index) })
  }
}

const byWait: Walk = async (checkout, checkoutSessionId) => {
  for (let index = 0; index < transitions; index++)
    await checkout.updateOrThrow({ checkoutSessionId, ...step(index) }, { wait: "screen" })
}

const byProceeding: Walk = async (checkout, checkoutSessionId) => {
  for (let index = 0; index < transitions; index += 2)
    await checkout.updateOrThrow({ checkoutSessionId, ...step(index) }, { wait: "screen" })
}

const walks: Readonly<Record<Driver, Walk>> = {
  host: byHost,
  get: byGet,
  changes: byChanges,
  wait: byWait,
  proceed: byProceeding
}

const idOf = (number: number): string => `checkout-${number}`

/** Ours on a storage. */
export const onelaneShop = async (
  storage: string,
  driver: Driver,
  serverCpuNanos: Shop["serverCpuNanos"] = alone
): Promise<Shop> => {
  const runs = makeRuns()
  const flow = flowOf(driver === "host" ? "host" : "engine", driver === "proceed", runs.ran)
  const checkout = await Onelane.open({ storage, flow })
  const faultOf = async (checkoutSessionId: string): Promise<string | null> => {
    const { state, version } = await checkout.getOrThrow({ checkoutSessionId })
    if (state !== stateAt(transitions) || version !== versionsOf(driver === "proceed"))
      return `${checkoutSessionId}: ${state} at ${version}`
    const history = await checkout.historyOrThrow({ checkoutSessionId })
    const way = history.filter(({ type }) => type !== "Claimed").map(({ to }) => to)
    const wrong = way.findIndex((state, index) => state !== stateAt(index))
    return wrong === -1 ? null : `${checkoutSessionId}: ${way.join(", ")}`
  }
  return {
    walk: async (number) => {
      const checkoutSessionId = idOf(number)
      await checkout.openOrThrow({ cartId: `cart-${number}`, checkoutSessionId })
      await walks[driver](checkout, checkoutSessionId)
    },
    fault: async (upTo) => {
      for (let number = 0; number < upTo; number++) {
        const fault = await faultOf(idOf(number))
        if (fault !== null) return fault
      }
      return runs.fault(driver === "host" ? 0 : upTo)
    },
    serverCpuNanos,
    close: () => checkout.close()
  }
}
