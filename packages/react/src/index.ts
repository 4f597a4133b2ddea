/**
 * useCheckout: a checkout session in a React component. It is `watch` of `@onelane/client/watch` with React's way to
 * listen; all components on one page that use the same session of the same client share one stream.
 */
import type { Client, FlowTypes } from "@onelane/client"
import { type Shown, type Watched, watch } from "@onelane/client/watch"
import { useMemo, useSyncExternalStore } from "react"

/** What a component gets: what to show, and the next step. */
export interface UsedCheckout<F = FlowTypes> extends Shown<F>, Pick<Watched<F>, "step" | "refresh"> {}

/** Sessions that a client keeps while no component uses them; the oldest is dropped first. */
const keptMax = 64

const pages = new WeakMap<object, Map<string, Watched<any>>>()

const pageOf = <F>(client: Client<F>, checkoutSessionId: string): Watched<F> => {
  let ofClient = pages.get(client)
  if (ofClient === undefined) {
    ofClient = new Map()
    pages.set(client, ofClient)
  }
  let page = ofClient.get(checkoutSessionId)
  if (page === undefined) {
    page = watch(client, checkoutSessionId)
    ofClient.set(checkoutSessionId, page)
    // A component that still holds the dropped session keeps using it.
    if (ofClient.size > keptMax) ofClient.delete(ofClient.keys().next().value!)
  }
  return page
}

/**
 * Follows a session while the component is mounted. `step(next)` shows the next state at once; if it is refused,
 * `state` returns to the real one, and `refused` tells the reason and the winner (`refused.winner`).
 */
export const useCheckout = <F = FlowTypes>(client: Client<F>, checkoutSessionId: string): UsedCheckout<F> => {
  const page = useMemo(() => pageOf(client, checkoutSessionId), [client, checkoutSessionId])
  const shown = useSyncExternalStore(page.subscribe, page.get, page.get)
  return useMemo(() => ({ ...shown, step: page.step, refresh: page.refresh }), [shown, page])
}
