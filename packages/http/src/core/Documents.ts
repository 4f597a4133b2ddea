/**
 * Documents: the OpenAPI document and its page, created on the first request. If the core is mounted below a path, they
 * contain that base; the first few bases get a document each.
 */
import * as Effect from "effect/Effect"
import type * as Documentation from "../contract/Documentation.js"
import * as SharedPage from "./SharedPage.js"
import type * as WireAnswer from "./WireAnswer.js"

/** The paths of the documents. */
export const paths = ["/openapi.json", "/docs"] as const

/** One of them. */
export type Path = (typeof paths)[number]

/** Gives a document, for the base below which it is read. */
export type Documents = (path: Path, base: string) => Effect.Effect<SharedPage.SharedPage>

/** Bases that get a document of their own; all others get one without a base. */
const basesMaxCount = 16

/** Makes them. `additions`: the host's own formats and pages. */
export const make = (additions: Effect.Effect<Documentation.Additions>): Effect.Effect<Documents> =>
  Effect.gen(function* () {
    const made = yield* Effect.cached(
      Effect.flatMap(
        Effect.promise(() => import("../contract/Documentation.js")),
        ({ make }) => Effect.flatMap(additions, make)
      )
    )
    const pagesAt = (base: string): { readonly [P in Path]: Effect.Effect<SharedPage.SharedPage> } => {
      const page = (pick: (documents: Documentation.Documentation) => WireAnswer.WireAnswer) =>
        Effect.runSync(
          Effect.cached(Effect.flatMap(made, (documents) => SharedPage.make(below(base, pick(documents)))))
        )
      return { "/openapi.json": page(({ openApi }) => openApi), "/docs": page(({ page }) => page) }
    }
    const known = new Map([["", pagesAt("")]])
    return (path, base) => {
      if (!known.has(base) && known.size <= basesMaxCount) known.set(base, pagesAt(base))
      return (known.get(base) ?? known.get("")!)[path]
    }
  })

const opening = /"openapi":\s*"[\d.]+",/

/** The document, or the page with it, that names the base. */
const below = (base: string, answer: WireAnswer.WireAnswer): WireAnswer.WireAnswer => {
  if (base === "") return answer
  // The text is inside a script of the page.
  const servers = `"servers":[{"url":${JSON.stringify(base).replaceAll("<", "\\u003c")}}],`
  return { ...answer, body: (answer.body as string).replace(opening, (found) => found + servers) }
}
