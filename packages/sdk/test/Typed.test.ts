/** What the compiler knows. Checked by `tsc`; at run time only the shape of the answers is looked at. */
import { describe, expectTypeOf, it } from "@effect/vitest"
import { type Aborted, type Checkout, type CheckoutError, Flow, Onelane, type Result, type Task } from "@onelane/sdk"
import { Schema } from "effect"
import { z } from "zod"

const short = Flow.defineFlow({
  name: "short",
  initial: "Basket",
  transitions: { Basket: ["Pay", "Done"], Pay: ["Done"], Done: [] }
})

type Short = Checkout<typeof short>

const shape = { name: "zod", initial: "Basket", transitions: { Basket: ["Done"], Done: [] } } as const

describe("Typed", () => {
  it("the states of an answer are those of the flow, and Error", () => {
    type Answer = Awaited<ReturnType<Short["getOrThrow"]>>
    expectTypeOf<Answer["state"]>().toEqualTypeOf<"Basket" | "Pay" | "Done" | "Error">()
    expectTypeOf<Answer["nextState"]>().toEqualTypeOf<"Basket" | "Pay" | "Done" | "Error" | null>()
  })

  it("for a literal expected state, only its followers may be asked for", () => {
    const update = async (checkout: Short): Promise<void> => {
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Basket", nextState: "Pay" })
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Error", nextState: "Pay" })
      // @ts-expect-error: no way back
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Pay", nextState: "Basket" })
      // @ts-expect-error: the end has no followers
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Done", nextState: "Basket" })
      // @ts-expect-error: nobody may ask for Error
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Basket", nextState: "Error" })
      // @ts-expect-error: not a state of this flow
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Taxes", nextState: "Done" })
      // @ts-expect-error: nor to begin with
      await checkout.open({ cartId: "c", initialState: "Start" })
    }
    expectTypeOf(update).toBeFunction()
  })

  it("a task is for followers of its state, and its result may choose one of them", () => {
    const transitions = { Edit: ["Ready"], Ready: ["Edit", "Paid"], Paid: [] } as const
    const define = (): void => {
      const flow = Flow.defineFlow({
        name: "pay",
        initial: "Edit",
        transitions,
        tasks: { Ready: { nextStates: ["Paid"], run: async () => ({ next: "Edit" }) } }
      })
      // @ts-expect-error: Edit does not lead to Paid
      Flow.withTasks(flow, { Edit: { nextStates: ["Paid"] } })
      // @ts-expect-error: nor may its result
      Flow.withTasks(flow, { Edit: { run: async () => ({ next: "Paid" as const }) } })
      const plain: Task.Task = { run: () => ({ orderId: "order-1" }) }
      Flow.withTasks(flow, { Edit: plain, Ready: plain })
    }
    const complete = async (checkout: Short): Promise<void> => {
      await checkout.completeTask({ checkoutSessionId: "s", operationId: "op", next: "Pay" })
      // @ts-expect-error: not a state of this flow
      await checkout.completeTask({ checkoutSessionId: "s", operationId: "op", next: "Taxes" })
    }
    expectTypeOf(define).toBeFunction()
    expectTypeOf(complete).toBeFunction()
  })

  it("data is typed by the flow: what is read, the patch that is written, and the patch in the history", () => {
    const withData = Flow.defineFlow({
      name: "data",
      initial: "Basket",
      transitions: { Basket: ["Done"], Done: [] },
      data: Schema.Struct({ email: Schema.String, items: Schema.optional(Schema.Array(Schema.Number)) })
    })
    type WithData = Checkout<typeof withData>
    type Data = Awaited<ReturnType<WithData["getOrThrow"]>>["data"]
    expectTypeOf<Data>().toEqualTypeOf<{ readonly email: string; readonly items?: ReadonlyArray<number> | undefined }>()
    expectTypeOf<Awaited<ReturnType<Short["getOrThrow"]>>["data"]>().toEqualTypeOf<null>()
    const zod = Flow.defineFlow({ ...shape, data: z.object({ email: z.string() }) })
    expectTypeOf<Flow.DataOf<typeof zod>>().toEqualTypeOf<{ email: string }>()
    const update = async (checkout: WithData, plain: Short): Promise<void> => {
      const move = { checkoutSessionId: "s", expCurrentState: "Basket", nextState: "Done" } as const
      await checkout.update({ ...move, data: { email: "a" } })
      await checkout.update({ ...move, data: { items: null } })
      await checkout.update({ ...move, nextState: "Basket", expectedVersion: 1, data: { email: "b" } })
      await checkout.open({ cartId: "c", data: { items: [1] } })
      // @ts-expect-error: not the type of the member
      await checkout.update({ ...move, data: { email: 7 } })
      // @ts-expect-error: no such member
      await checkout.update({ ...move, data: { phone: "1" } })
      // @ts-expect-error: the flow declares no data
      await plain.update({ checkoutSessionId: "s", expCurrentState: "Basket", nextState: "Done", data: {} })
    }
    expectTypeOf(update).toBeFunction()
  })

  it("for a state that came out of an answer, any follower of any state may be asked for", () => {
    const update = async (checkout: Short): Promise<void> => {
      const { id: checkoutSessionId, state: expCurrentState } = await checkout.getOrThrow({ checkoutSessionId: "s" })
      await checkout.update({ checkoutSessionId, expCurrentState, nextState: "Done" })
    }
    expectTypeOf(update).toBeFunction()
  })

  it("a preset is typed by its name, b2b where none is named, and `any` takes any text", () => {
    const open = async (): Promise<void> => {
      const checkout = await Onelane.open({ storage: ":memory:" })
      await checkout.update({
        checkoutSessionId: "s",
        expCurrentState: "Taxes",
        nextState: "Payment And Billing Address"
      })
      const classic = await Onelane.connect({ url: "", token: "", flow: "b2b-classic" })
      await classic.update({ checkoutSessionId: "s", expCurrentState: "Taxes", nextState: "Checkout Summary" })
      // @ts-expect-error: not in this flow
      await checkout.update({ checkoutSessionId: "s", expCurrentState: "Taxes", nextState: "Checkout Summary" })
      const anything = await Onelane.open({ storage: ":memory:", flow: "any" })
      await anything.update({ checkoutSessionId: "s", expCurrentState: "Taxes", nextState: "Start" })
      // @ts-expect-error: the directory is there only where it is kept
      void checkout.directory
      void (await Onelane.open({ storage: ":memory:", directory: true })).directory
    }
    expectTypeOf(open).toBeFunction()
  })

  it("every error of a call is in its type", () => {
    type Answer = Awaited<ReturnType<Short["update"]>>
    type Refused = Extract<Answer, { readonly ok: false }>["error"]
    expectTypeOf<Refused>().toEqualTypeOf<CheckoutError.UpdateError | Aborted>()
    type Read = Extract<Awaited<ReturnType<Short["get"]>>, { readonly ok: false }>["error"]
    expectTypeOf<Read>().toEqualTypeOf<CheckoutError.AccessError | Aborted>()
    expectTypeOf<Answer>().toExtend<Result<unknown, Refused>>()
  })
})
