/**
 * App: who is signed in, and the page that the address names.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import { make, operator, signOut } from "./Api.js"
import { EnginePage } from "./EnginePage.js"
import { ListPage } from "./ListPage.js"
import * as Route from "./Route.js"
import { SessionPage } from "./SessionPage.js"
import { SignIn } from "./SignIn.js"
import { Silence } from "./Silence.js"
import { useStore } from "./Store.js"

const useRoute = (): Route.Route => {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = (): void => setHash(location.hash)
    addEventListener("hashchange", changed)
    return () => removeEventListener("hashchange", changed)
  }, [])
  return useMemo(() => Route.parse(hash), [hash])
}

const titles = { sessions: "Sessions", session: "Session", engine: "Engine" } as const

/** On a new page, scrolls to the top and announces its name to screen readers. A changed filter is not a new page. */
const useArrival = (route: Route.Route): void => {
  const shown = useRef<string | null>(null)
  const place = route.page === "session" ? route.id : route.page
  useEffect(() => {
    const { id } = route as { readonly id?: string }
    document.title = `${id === undefined ? titles[route.page] : id} · Onelane console`
    if (shown.current !== null && shown.current !== place) {
      scrollTo(0, 0)
      document.querySelector<HTMLElement>("h1")?.focus()
    }
    shown.current = place
  }, [place])
}

/** The console. */
export const App = () => {
  const known = useStore(operator)
  const route = useRoute()
  const token = typeof known === "string" ? null : known.token
  const api = useMemo(() => (token === null ? null : make(token)), [token])
  useArrival(route)
  if (api === null) return <SignIn why={known as Exclude<typeof known, object>} />
  const link = (page: "sessions" | "engine", to: Route.Route) => (
    <a href={Route.href(to)} aria-current={route.page === page ? "page" : undefined}>
      {titles[page]}
    </a>
  )
  return (
    <>
      <button type="button" class="skip" onClick={toMain}>
        Skip to the content
      </button>
      <header class="bar">
        <span class="brand">
          Onelane <span>console</span>
        </span>
        <nav aria-label="Pages">
          {link("sessions", { page: "sessions", filter: Route.everything })}
          {link("engine", { page: "engine" })}
        </nav>
        <button type="button" class="quiet" onClick={() => signOut("nobody")}>
          Sign out
        </button>
      </header>
      <Silence />
      <main id="main" tabIndex={-1}>
        {route.page === "sessions" && <ListPage api={api} filter={route.filter} />}
        {route.page === "session" && <SessionPage key={route.id} api={api} id={route.id} />}
        {route.page === "engine" && <EnginePage api={api} />}
      </main>
    </>
  )
}

/** The fragment names the page, so it cannot name a place in it. */
const toMain = (): void => document.getElementById("main")?.focus()
