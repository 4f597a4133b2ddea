/**
 * The files of the console's page, for a server that serves them. They are found by the package's name, so that it
 * makes no difference from where this module is loaded, or into which file it was bundled.
 */
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"

/** One file of the page. */
export interface Asset {
  /** Where the page finds it, relative to its own address: `index.html`, `console.js`. */
  readonly path: string
  /** The whole `Content-Type`. */
  readonly type: string
  /** Where it is on the disk. */
  readonly file: URL
}

const types: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "style.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml"
}

const manifest = pathToFileURL(createRequire(import.meta.url).resolve("@onelane/console/package.json"))

/** Every file of the page; `index.html` is the one to begin with. `npm run build` makes them. */
export const assets: ReadonlyArray<Asset> = Object.entries(types).map(([path, type]) => ({
  path,
  type,
  file: new URL(`dist/assets/${path}`, manifest)
}))
