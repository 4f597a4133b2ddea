/**
 * The page: one checkout, for as many windows as look at it. It shows a step at once, and takes it back when somebody else was first.
 */
import { type Client, connect, type Session } from "@onelane/client"
import { useCheckout } from "@onelane/react"
import { StrictMode, useEffect, useState } from "react"
import { createRoot } from "react-dom/client"
import { flow } from "./flow.js"
import "./page.css"

type Shop = typeof flow
type State = Session<Shop>["state"]

const shop = document.querySelector<HTMLElement>("#shop")!
const { api = "", user = "" } = shop.dataset

/** A short token of the shop's own server, which knows the user by a cookie. The client asks again after a 401. */
const token = async (): Promise<string> => {
  const answer = await fetch(`/${user}/token`)
  if (!answer.ok) throw new Error("not logged in")
  return answer.text()
}

// Twenty tries: a server that is started again is waited for.
const client = connect<Shop>({ url: api, token, retry: { limit: 20 } })

const labels: Readonly<Record<string, string>> = {
  Cart: "Back to the cart",
  Delivery: "Choose delivery",
  Payment: "Go to payment",
  Thanks: "Pay now"
}

const capital = (id: string): string => id.charAt(0).toUpperCase() + id.slice(1)

const nameOf = (id: string | null): string => {
  if (id === null) return "Somebody"
  return id === user ? "You (in another window)" : capital(id)
}

const Steps = ({ state }: { readonly state: State }) => (
  <ol className="steps">
    {Object.keys(flow.transitions).map((name) => (
      <li key={name} aria-current={name === state ? "step" : undefined}>
        {name}
      </li>
    ))}
  </ol>
)

const Checkout = ({ id, again }: { readonly id: string; readonly again: () => void }) => {
  const { elsewhere, error, isLive, pending, refused, session, state, step } = useCheckout(client, id)
  if (error !== null) return <Nothing reason={error.reason} />
  if (session === null || state === null) return <p className="quiet">Loading …</p>
  const nexts: ReadonlyArray<string> = state === "Error" ? [] : flow.transitions[state]
  return (
    <section aria-busy={pending !== null} data-version={session.version} data-state={session.state}>
      <Steps state={state} />
      <p className="buttons">
        {nexts.map((next, index) => (
          <button key={next} type="button" className={index === 0 ? "first" : ""} onClick={() => step(next as never)}>
            {labels[next]}
          </button>
        ))}
        {session.isArchived && (
          <button type="button" className="first" onClick={again}>
            Shop again
          </button>
        )}
      </p>
      {refused !== null && (
        <p role="alert">
          {refused.winner === null
            ? `That did not work: ${refused.error.message}`
            : `${nameOf(refused.winner.by)} was first: the checkout is in ${session.state}.`}
        </p>
      )}
      {refused === null && elsewhere !== null && (
        <p role="status">
          {nameOf(elsewhere.by)} moved it to {elsewhere.to}.
        </p>
      )}
      {!isLive && !session.isArchived && <p className="quiet">Reconnecting …</p>}
    </section>
  )
}

const Nothing = ({ reason }: { readonly reason: string }) => (
  <p role="alert" data-reason={reason}>
    There is no checkout for you here.
  </p>
)

type Opened = { readonly id: string } | { readonly reason: string }

/** The checkout of the cart; the last one, if it is finished. */
const openCart = async (checkout: Client<Shop>, again: boolean): Promise<Opened> => {
  const answer = await checkout.open({ cartId: "cart-1", again })
  if (answer.ok) return { id: answer.value.session.id }
  const { error } = answer
  return error._tag === "SessionClosed" ? { id: error.checkoutSessionId } : { reason: error.reason }
}

const App = ({ checkout }: { readonly checkout: Client<Shop> }) => {
  const [opened, setOpened] = useState<Opened | null>(null)
  useEffect(() => {
    openCart(checkout, false).then(setOpened)
  }, [checkout])
  return (
    <>
      <header>
        <h1>Shop front</h1>
        <p>You are {capital(user)}</p>
      </header>
      {opened === null ? (
        <p className="quiet">Loading …</p>
      ) : "id" in opened ? (
        <Checkout id={opened.id} again={() => openCart(checkout, true).then(setOpened)} />
      ) : (
        <Nothing reason={opened.reason} />
      )}
    </>
  )
}

createRoot(shop).render(
  <StrictMode>
    <App checkout={client} />
  </StrictMode>
)
