/**
 * The hook in React itself, on a client whose answers the test gives.
 *
 * @vitest-environment happy-dom
 */
import { assert, describe, it } from "@effect/vitest"
import type { Client, HistoryEntry, Result, Session, Updated } from "@onelane/client"
import { act, createElement, type ReactElement, StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { type UsedCheckout, useCheckout } from "../src/index.js"

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true })

const sessionAt = (state: string, version: number): Session =>
  ({ id: "s1", state, version, isArchived: false }) as Session

/** A client in memory: it counts its streams and leaves updates to the test. */
const makeClient = () => {
  let session = sessionAt("Cart", 1)
  let streams = 0
  const waiting: Array<(entry: HistoryEntry) => void> = []
  const answers: Array<(result: Result<Updated>) => void> = []
  const client = {
    get: async () => ({ ok: true, value: session }),
    history: async () => ({ ok: true, value: [{ version: 2, by: "bob", from: "Cart", to: "Gift", requestId: "r" }] }),
    update: () => new Promise<Result<Updated>>((resolve) => answers.push(resolve)),
    changes: (_: unknown, { signal }: { readonly signal: AbortSignal }) => ({
      async *[Symbol.asyncIterator]() {
        streams += 1
        signal.addEventListener("abort", () => (streams -= 1))
        while (!signal.aborted)
          yield await new Promise<HistoryEntry>((resolve, reject) => {
            waiting.push(resolve)
            signal.addEventListener("abort", () => reject(new Error("left")))
          })
      }
    })
  } as unknown as Client
  const move = (state: string, version: number): void => {
    session = sessionAt(state, version)
    for (const take of waiting.splice(0)) take({ version, to: state, by: "bob", requestId: "other" } as HistoryEntry)
  }
  return { client, move, answers, streams: () => streams }
}

const refusal = {
  ok: false,
  error: { _tag: "ExpectedStateMismatch", retryable: false, applied: "no" }
} as Result<Updated>

interface PageElement extends Element {
  readonly textContent: string
  readonly click: () => void
  readonly querySelector: (name: string) => PageElement
  readonly append: (child: Element) => void
}

// The types of a page are not among those of the other tests.
const { document } = globalThis as unknown as {
  readonly document: { readonly body: PageElement; createElement(name: string): PageElement }
}

const mount = async (element: ReactElement) => {
  const container = document.createElement("div")
  // React hears of clicks where the page does.
  document.body.append(container)
  const root = createRoot(container)
  await act(async () => root.render(element))
  return {
    text: () => container.textContent,
    click: (name: string) => act(async () => container.querySelector(name).click()),
    unmount: () => act(async () => root.unmount())
  }
}

interface Given {
  readonly client: Client
  readonly onUse?: (used: UsedCheckout) => void
}

const Page = ({ client, onUse }: Given): string => {
  const used = useCheckout(client, "s1")
  onUse?.(used)
  const { elsewhere, pending, refused, state } = used
  return `${state} ${pending?.to ?? "-"} ${refused?.winner?.by ?? "-"} ${elsewhere?.to ?? "-"};`
}

const Steps = ({ checkout, id }: { readonly checkout: Client; readonly id: string }) => {
  const { isLive, pending, refused, state, step } = useCheckout(checkout, id)
  const first = refused?.winner?.by ?? "Somebody"
  return createElement(
    "section",
    { "aria-busy": pending !== null },
    createElement("button", { type: "button", onClick: () => step("Pay") }, `Pay (${state})`),
    refused === null ? null : createElement("p", { role: "alert" }, `${first} was first: it is in ${state}`),
    isLive ? null : createElement("p", null, "Reconnecting …")
  )
}

describe("useCheckout", () => {
  it("shows a step at once, takes it back with who was first, and follows others", async () => {
    const { answers, client, move } = makeClient()
    let used: UsedCheckout | null = null
    const onUse = (now: UsedCheckout): void => void (used = now)
    const { text, unmount } = await mount(createElement(StrictMode, null, createElement(Page, { client, onUse })))
    assert.strictEqual(text(), "Cart - - -;")
    await act(async () => void (used as UsedCheckout | null)!.step("Pay" as never))
    assert.strictEqual(text(), "Pay Pay - -;")
    await act(async () => move("Gift", 2))
    await act(async () => answers[0]!(refusal))
    assert.strictEqual(text(), "Gift - bob -;")
    await act(async () => move("Paid", 3))
    assert.strictEqual(text(), "Paid - bob Paid;")
    await unmount()
  })

  it("shares one stream among components, and leaves it with the last of them", async () => {
    const { client, streams } = makeClient()
    const parts = ["a", "b", "c"].map((key) => createElement(Page, { key, client }))
    const { text, unmount } = await mount(createElement(StrictMode, null, parts))
    assert.strictEqual(text(), "Cart - - -;".repeat(3))
    assert.strictEqual(streams(), 1)
    await unmount()
    assert.strictEqual(streams(), 0)
  })

  it("tells the loser in the page who was first", async () => {
    const { answers, client, move } = makeClient()
    const { text, unmount, click } = await mount(createElement(Steps, { checkout: client, id: "s1" }))
    assert.strictEqual(text(), "Pay (Cart)")
    await click("button")
    assert.strictEqual(text(), "Pay (Pay)")
    await act(async () => move("Gift", 2))
    await act(async () => answers[0]!(refusal))
    assert.strictEqual(text(), "Pay (Gift)bob was first: it is in Gift")
    await unmount()
  })
})
