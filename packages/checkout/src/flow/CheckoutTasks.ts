/**
 * CheckoutTasks: the seven background steps of the preset flows as named slots. A host fills the slots for which it has
 * work; a state with an empty slot has no task.
 *
 * Owns names only: which slot belongs to which state. `Task` defines a task, `Tasks` runs it.
 * Source: CONTRACT §1, the states with a background task.
 */
import type { BackgroundState } from "../session/CheckoutState.js"
import { type Flow, type Transitions, withTasks } from "./Flow.js"
import type { Task, TaskContext, Work } from "./Task.js"

/** A task that must return the id of the created order, unless the host creates the order elsewhere. */
export interface OrderTask extends Task {
  readonly run?:
    | ((context: TaskContext) => Work<{ readonly orderId: string; readonly next?: string | null | undefined }>)
    | undefined
}

/** Background work of a host. Each is claimed, retried and resumed as its `Task` says. */
export interface CheckoutTasks {
  /** `Inventory`: check that everything is in stock, and reserve it. */
  readonly inventory?: Task | undefined
  /** `Confirm Price`: recalculate the prices of the cart. */
  readonly confirmPrice?: Task | undefined
  /** `Calculate Promotions`: apply promotions (not in `b2b-async` and `b2b-classic`). */
  readonly calculatePromotions?: Task | undefined
  /** `Shipping Cost`: find the delivery methods and what each costs. */
  readonly shippingCost?: Task | undefined
  /** `Taxes`: calculate tax for the address. */
  readonly taxes?: Task | undefined
  /** `Cart To Order`: create the order; the session keeps its id. */
  readonly cartToOrder?: OrderTask | undefined
  /** `Activate Order`: capture the payment and pass the order on to fulfilment. */
  readonly activateOrder?: Task | undefined
}

/** The state each slot belongs to. */
export const states = {
  inventory: "Inventory",
  confirmPrice: "Confirm Price",
  calculatePromotions: "Calculate Promotions",
  shippingCost: "Shipping Cost",
  taxes: "Taxes",
  cartToOrder: "Cart To Order",
  activateOrder: "Activate Order"
} as const satisfies Record<keyof CheckoutTasks, BackgroundState>

/**
 * The flow with these tasks. Throws a `TypeError` for a slot whose state the flow does not have, or an invalid task.
 */
export const attach = <T extends Transitions, D = unknown>(flow: Flow<T, D>, tasks: CheckoutTasks): Flow<T, D> => {
  const slots = Object.entries(tasks) as ReadonlyArray<[keyof CheckoutTasks, Task | undefined]>
  const named = Object.fromEntries(slots.map(([slot, task]) => [states[slot], task]))
  return withTasks<Transitions, D>(flow, named) as Flow<T, D>
}
