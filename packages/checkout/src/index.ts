/** The rules of a checkout session, and the service that applies them. */

export * as CheckoutError from "./errors/CheckoutError.js"
export * as CheckoutTasks from "./flow/CheckoutTasks.js"
export * as Flow from "./flow/Flow.js"
export * as Task from "./flow/Task.js"
export * as Access from "./ports/Access.js"
export * as Caller from "./ports/Caller.js"
export * as Carts from "./ports/Carts.js"
export * as CheckoutEngine from "./service/CheckoutEngine.js"
export * as CheckoutSessions from "./service/CheckoutSessions.js"
export * as CheckoutSession from "./session/CheckoutSession.js"
export * as CheckoutState from "./session/CheckoutState.js"
export * as Ids from "./session/Ids.js"
