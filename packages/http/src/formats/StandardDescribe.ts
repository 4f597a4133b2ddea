/**
 * StandardDescribe: the metadata of the action format: versions, the list of actions, and each action's inputs and
 * outputs in the vendor's describe format. Pure; source: CONTRACT §5.
 */
import { CheckoutState, type Flow } from "@onelane/checkout"

/** Every action of the format, the name under which it is called. */
export type ActionName =
  | "updateCheckoutSessionAction"
  | "updateCheckoutSessionStateAction"
  | "checkoutSessionAction"
  | "cancelCartAsyncOperation"

/** The part of a flow that is described. */
export type States = Pick<Flow.Flow, "states">

const newest = "62.0"

/** Answer of `GET /services/data`, below `mount`. Any version of the form `vNN.N` is accepted; one is advertised. */
export const versions = (mount: string) => [
  { label: "Onelane", url: `${mount}/services/data/v${newest}`, version: newest }
]

type Kind = "id" | "current" | "next" | "number" | "text" | "flag"
type Parameter = readonly [name: string, kind: Kind, required: boolean, description: string]

interface Description {
  readonly label: string
  readonly description: string
  readonly inputs: ReadonlyArray<Parameter>
}

const idempotencyKey: Parameter = [
  "idempotencyKey",
  "text",
  false,
  "1 to 255 characters; the same key and input are answered alike."
]

const update: Description = {
  label: "Update Checkout Session Action",
  description: "Moves a checkout session on if it is in the expected state; of two that try, one succeeds.",
  inputs: [
    ["checkoutSessionId", "id", true, "The ID of the checkout session."],
    ["expCurrentState", "current", true, "The state the session is believed to be in."],
    ["nextState", "next", true, "The state the session moves to when the tasks of the current one are done."],
    ["expectedVersion", "number", false, "The version last seen."],
    idempotencyKey
  ]
}

const descriptions: { readonly [N in ActionName]: Description } = {
  updateCheckoutSessionAction: update,
  updateCheckoutSessionStateAction: { ...update, label: "Update Checkout Session State Action" },
  checkoutSessionAction: {
    label: "Checkout Session Action",
    description: "Gets the live checkout session of a cart, or creates one; a cart that was ordered is refused.",
    inputs: [
      ["cartId", "id", true, "The ID of the cart."],
      ["initialState", "next", false, "The state of a new session."],
      ["checkoutSessionId", "id", false, "The ID of a new session."],
      ["expiresInMillis", "number", false, "Milliseconds until a new session expires."],
      ["again", "flag", false, "True opens a new session although the cart was ordered before."],
      ["ownerId", "id", false, "Who owns the cart from now on. Needs a privileged role."],
      ["accountId", "id", false, "The account the cart belongs to from now on. Needs a privileged role."],
      ["storeId", "id", false, "The store the cart belongs to from now on. Needs a privileged role."],
      idempotencyKey
    ]
  },
  cancelCartAsyncOperation: {
    label: "Cancel Cart Async Operation",
    description: "Archives the live checkout session of a cart and stops its task; nothing to cancel is a success.",
    inputs: [
      ["cartId", "id", true, "The ID of the cart."],
      ["expectedVersion", "number", false, "The version last seen."],
      ["reason", "text", false, "Why, for the history."],
      idempotencyKey
    ]
  }
}

/** Answer of `GET …/actions/standard`; `base` is that path. */
export const list = (base: string) => ({
  actions: Object.entries(descriptions).map(([name, { label }]) => ({
    label,
    name,
    type: name.toUpperCase(),
    url: `${base}/${name}`
  }))
})

/** Answer of `GET …/actions/standard/{name}`. */
export const describe = (name: ActionName, flow: States) => {
  const { label, description, inputs } = descriptions[name]
  return {
    name,
    label,
    description,
    type: name.toUpperCase(),
    standard: true,
    targetEntityName: null,
    inputs: inputs.map(([input, kind, required, what]) => ({
      name: input,
      label: input,
      description: what,
      type: types[kind],
      required,
      maxOccurs: 1,
      byteLength: 0,
      picklistValues: picklist(kind, flow),
      sObjectType: null
    })),
    outputs: ["requestId", "checkoutSessionId"].map((output) => ({
      name: output,
      label: output,
      description: outputs[output],
      type: "STRING",
      maxOccurs: 1,
      picklistValues: null
    }))
  }
}

const types: { readonly [K in Kind]: string } = {
  id: "STRING",
  text: "STRING",
  number: "NUMBER",
  flag: "BOOLEAN",
  current: "PICKLIST",
  next: "PICKLIST"
}

const outputs: Readonly<Record<string, string>> = {
  requestId: "The ID of the request that was accepted.",
  checkoutSessionId: "The ID of the checkout session."
}

/** A session can be found in `Error`, but only the engine sends it there. */
const picklist = (kind: Kind, flow: States) => {
  if (kind !== "current" && kind !== "next") return null
  const values = kind === "current" ? [...flow.states, CheckoutState.errorState] : [...flow.states]
  return values.map((value) => ({ active: true, defaultValue: false, label: value, validFor: null, value }))
}
