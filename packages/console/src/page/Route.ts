/**
 * Route: which page the address names, in its fragment: `#/sessions?state=Taxes`, `#/sessions/<id>`, `#/engine`. It
 * contains everything that an operator may want to share, and never the token.
 */

/** A page. */
export type Route =
  | { readonly page: "sessions"; readonly filter: Filter }
  | { readonly page: "session"; readonly id: string }
  | { readonly page: "engine" }

/** What part of the sessions is shown. */
export interface Filter {
  readonly show: Show
  /** A state; empty: all. */
  readonly state: string
  /** A session or cart id; empty: none asked for. */
  readonly search: string
}

/** The kinds of sessions that the list can be narrowed to. */
export const shows = ["live", "failed", "stuck", "running", "archived"] as const

/** One of them. */
export type Show = (typeof shows)[number]

/** Everything that is live. */
export const everything: Filter = { show: "live", state: "", search: "" }

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The page that a fragment names; the list where it names none. */
export const parse = (fragment: string): Route => {
  const [path = "", query = ""] = fragment.replace(/^#/, "").split("?")
  const [, first = "", second = ""] = path.split("/")
  if (first === "engine") return { page: "engine" }
  if (first === "sessions" && second !== "") return { page: "session", id: decoded(second) }
  const search = new URLSearchParams(query)
  const show = shows.find((each) => each === search.get("show")) ?? "live"
  return { page: "sessions", filter: { show, state: search.get("state") ?? "", search: search.get("q") ?? "" } }
}

/** The link to a page. */
export const href = (route: Route): string => {
  if (route.page === "engine") return "#/engine"
  if (route.page === "session") return `#/sessions/${encodeURIComponent(route.id)}`
  const { search, show, state } = route.filter
  const query = new URLSearchParams()
  if (show !== "live") query.set("show", show)
  if (state !== "") query.set("state", state)
  if (search !== "") query.set("q", search)
  const text = query.toString()
  return `#/sessions${text === "" ? "" : `?${text}`}`
}
