/** Visit: a page of the console in a real browser, watched: what its policy refuses, what it logs, what axe says of it. */
import { chromiumPath, withBrowser } from "@onelane/testkit/Browser"
import axe from "axe-core"
import type { Browser, Page } from "playwright-core"
import { shared } from "./Shared.js"

/** How the page is looked at. */
export interface Look {
  readonly scheme?: "light" | "dark"
  readonly width?: number
  readonly height?: number
}

/** A phone that is narrow. */
export const phone: Look = { width: 375, height: 740 }

/** A visit. */
export interface Visit {
  readonly page: Page
  /** What went wrong so far: the policy's refusals, errors of scripts. */
  readonly trouble: () => Promise<ReadonlyArray<string>>
  /** Violations that axe finds on the page as it is now. */
  readonly audit: () => Promise<ReadonlyArray<string>>
  /** Pixels that the page is wider than its window. */
  readonly overflow: () => Promise<number>
}

interface Watched {
  readonly refusedByPolicy?: Array<string>
}

/** Opens an address. Ends with the browser. */
export const visit = async (browser: Browser, url: string, look: Look = {}): Promise<Visit> => {
  const { height = 900, scheme = "light", width = 1280 } = look
  const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height }, reducedMotion: "reduce" })
  const errors: Array<string> = []
  page.on("pageerror", (error) => errors.push(String(error)))
  await page.addInitScript(`
    window.refusedByPolicy = []
    addEventListener("securitypolicyviolation", (event) =>
      window.refusedByPolicy.push(event.violatedDirective + " " + event.blockedURI + " " + event.sample))
  `)
  await page.goto(url)
  return {
    page,
    trouble: async () => [
      ...errors,
      ...((await page.evaluate(() => (globalThis as Watched).refusedByPolicy)) ?? ["the page is not watched"])
    ],
    audit: async () => {
      await page.evaluate(axe.source)
      return page.evaluate(`axe.run(document).then(({ violations }) =>
        violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, any }) => html + " " + any.map(({ message }) => message)).join("; ")))`)
    },
    overflow: () => page.evaluate("document.documentElement.scrollWidth - innerWidth")
  }
}

/** One browser for all tests of a suite; each opens pages of its own, which share nothing. */
export const sharedBrowser = (): (() => Browser) =>
  shared<Browser>(async (use) => {
    if (chromiumPath() !== undefined) await withBrowser(use)
  })
