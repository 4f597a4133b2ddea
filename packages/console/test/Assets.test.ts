/** What a browser loads: few bytes, and nothing from elsewhere. */
import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { assets } from "@onelane/console"

const text = (path: string): string => {
  const asset = assets.find((each) => each.path === path)
  return asset === undefined ? assert.fail(path) : readFileSync(asset.file, "utf8")
}

describe("the files of the console", () => {
  it("are all there, and have 60 kB at most together, gzip", () => {
    const bytes = assets.reduce((sum, { file }) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0)
    assert.isAtMost(bytes, 60_000)
    assert.isAbove(bytes, 10_000)
  })

  it("the page has no script, no style and no event of its own, and loads only what is listed", () => {
    const html = text("index.html")
    assert.notMatch(html, /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|<base/i)
    const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!)
    assert.sameMembers(
      loaded,
      assets.map(({ path }) => path).filter((path) => path !== "index.html")
    )
  })

  it("name no other place, and make no code from text", () => {
    for (const path of ["index.html", "console.js", "style.css"]) {
      const urls = [...text(path).matchAll(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z]+[^\s"'`)]*/gi)].map(([url]) => url)
      assert.deepStrictEqual(
        urls.filter((url) => !url.startsWith("http://www.w3.org/")),
        [],
        path
      )
    }
    assert.notMatch(text("console.js"), /\beval\(|new Function\(/)
    assert.notMatch(text("style.css"), /@import|url\(/)
  })

  it("are what a server needs to serve them: a path, a content type and a file", () => {
    const lines: Array<string> = []
    const console = { log: (line: string) => lines.push(line) }
    for (const { file, path, type } of assets) console.log(`/console/${path}: ${type}, ${file.pathname}`)
    assert.include(lines[0], "/console/index.html: text/html; charset=utf-8, /")
  })
})
