/**
 * ConsoleFormat: the files of the console's page under `/console/`, open to everybody: the page contains no data and
 * requests everything with the operator's token. A file is found by its exact name in a list, so no path leads
 * elsewhere, and is read once.
 */
import { readFile } from "node:fs/promises"
import { AdapterError, SharedPage, WireAnswer, WireError, type WireFormat } from "@onelane/http"
import * as Effect from "effect/Effect"

/** One file of the page. */
export interface Asset {
  /** Its path below `/console/`. */
  readonly path: string
  /** Its media type, with the charset. */
  readonly type: string
  readonly file: URL
}

/** Where the page is. */
export const path = "/console"
const folder = `${path}/`

/** The content security policy: scripts, styles and calls of this server only, nothing inline. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'"
].join("; ")

const headers = {
  "content-security-policy": policy,
  "cross-origin-opener-policy": "same-origin",
  // Revalidated each time; 304 while it is unchanged.
  "cache-control": "no-cache"
}

/** Serves these files; `index.html` is the page itself. */
export const make = (assets: ReadonlyArray<Asset>): WireFormat => {
  const pages = new Map(assets.map((asset) => [`${folder}${asset.path}`, read(asset)]))
  const index = pages.get(`${folder}index.html`)
  if (index !== undefined) pages.set(folder, index)
  return {
    isOpen: true,
    route: ({ method, path: asked }) => {
      const isFolder = asked === path && index !== undefined
      const page = pages.get(asked)
      if (page === undefined && !isFolder) return AdapterError.notFound
      if (method !== "GET" && method !== "HEAD") return AdapterError.methodNotAllowed(["GET"])
      return {
        body: "none",
        run: ({ request }) =>
          page === undefined
            ? Effect.succeed(toFolder)
            : Effect.map(page, (shared) => SharedPage.answer(shared, request))
      }
    },
    refuse: (error) => WireError.problem(error)
  }
}

// Relative addresses in the page need the trailing slash.
const toFolder = WireAnswer.withHeaders(WireAnswer.empty(308), { location: folder })

const read = ({ file, type }: Asset): Effect.Effect<SharedPage.SharedPage, AdapterError.AdapterError> =>
  Effect.runSync(
    Effect.cached(
      Effect.tryPromise({ try: () => readFile(file), catch: () => AdapterError.notFound }).pipe(
        Effect.flatMap((bytes) => SharedPage.make(WireAnswer.make(200, type, bytes, headers)))
      )
    )
  )
