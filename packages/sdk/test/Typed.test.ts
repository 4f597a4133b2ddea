/** What the compiler knows. Checked by `tsc`; at run time only the shape of the answers is looked at. */
import { describe, expectTypeOf, it } from "@effect/vitest"
import { type Aborted, type Checkout, type CheckoutError, Flow, Onelane, type Result, type Task } from "@onelane/sdk"

const short = Flow.defineFlow({
  name: "short",
  initial: "Basket",
  transitions: { Basket: ["Pay", "Done"], Pay: ["Done"], Done: [] }
})

type Short = Checkout<typeof short>

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
