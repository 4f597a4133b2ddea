/**
 * CheckoutEngine: the embedded implementation of `CheckoutSessions`: the rules on the engine, over a journal and the two
 * ports. Every method is: may the caller do this at all → is the input well-formed → ask the session's lane.
 */
import type { Journal } from "@onelane/engine"
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { Access } from "../ports/Access.js"
import type { Carts } from "../ports/Carts.js"
import { watch } from "./Changes.js"
import * as Core from "./CheckoutCore.js"
import type { CheckoutSessions } from "./CheckoutSessions.js"

export {
  CheckoutEngine,
  type CheckoutEngineOptions,
  type CheckoutEngineShape,
  type Custodian,
  type Custody
} from "./CheckoutCore.js"

/** The service over the journal and ports in force; closing the scope drains it. */
export const make = (
  options: Core.CheckoutEngineOptions = {}
): Effect.Effect<
  Context.Context<CheckoutSessions | Core.CheckoutEngine>,
  never,
  Journal.Journal | Access | Carts | Scope.Scope
> => Core.make(options, watch)

/** The layer of `make`. */
export const layer = (
  options: Core.CheckoutEngineOptions = {}
): Layer.Layer<CheckoutSessions | Core.CheckoutEngine, never, Journal.Journal | Access | Carts> =>
  Layer.scopedContext(make(options))
