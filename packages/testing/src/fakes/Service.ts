/**
 * Service: a fake of any other service that a task calls: an order system, a mailer. It keeps the actions done, by
 * reference.
 */
import type { Fake, FakeRequest } from "./Fake.js"
import { countsOf } from "./Payments.js"

/** Do something once. */
export interface ServiceInput extends FakeRequest {
  /** What it is for: a cart, a session. The same action done twice for one reference is a problem. */
  readonly reference: string
  readonly input?: unknown
}

/** An action that was done. */
export interface Deed {
  readonly id: string
  readonly action: string
  readonly reference: string
}

/** A service. */
export interface Service {
  readonly call: (action: string, input: ServiceInput) => Promise<Deed>
  /** The actions done, for the test. */
  readonly deeds: (action?: string) => ReadonlyArray<Deed>
  /** Actions done twice for one reference, as sentences. */
  readonly problems: () => ReadonlyArray<string>
}

/** Makes one. */
export const make = (fake: Fake): Service => {
  const deeds: Array<Deed> = []
  const act = (action: string, reference: string): Deed => {
    const deed = { id: `${fake.name}_${deeds.length + 1}`, action, reference }
    deeds.push(deed)
    return deed
  }
  return {
    call: (action, { input = null, key, reference, signal }) =>
      fake.call(action, { key, signal }, { reference, input }, () => act(action, reference)),
    deeds: (action) => deeds.filter((each) => action === undefined || each.action === action),
    problems: () =>
      countsOf(deeds.map(({ action, reference }) => ({ reference: `${action} for ${reference}` }))).map(
        ([what, count]) => `${fake.name}: ${what} was done ${count} times`
      )
  }
}
