/** What the page works out by itself: rates, pages of a list, changes of data, spans, addresses. */
import { assert, describe, it } from "@effect/vitest"
import * as Durations from "../src/page/Durations.js"
import * as Fragment from "../src/page/Fragment.js"
import * as Pages from "../src/page/Pages.js"
import * as Patch from "../src/page/Patch.js"
import * as Rates from "../src/page/Rates.js"
import * as Route from "../src/page/Route.js"
import { sessions, stats } from "./FakeServer.js"

describe("rates", () => {
  it("are what happened between two readings, in a second", () => {
    const readings = [stats(0), stats(2), stats(4)].reduce(Rates.add, [] as Rates.Readings)
    const [first] = Rates.intervals(readings)
    assert.deepInclude(first, { seconds: 2, accepted: 100 })
    assert.deepStrictEqual(first?.refused, { ExpectedStateMismatch: 50, SessionProcessing: 10 })
    assert.strictEqual(Rates.overall(readings)?.accepted, 100)
  })

  it("begin anew with another process or node, and a reading that is no newer counts for nothing", () => {
    const readings = [stats(0), stats(2)]
    assert.lengthOf(Rates.add(readings, { ...stats(4), startedAt: stats(3).at }), 1)
    assert.lengthOf(Rates.add(readings, { ...stats(4), node: "other" }), 1)
    assert.lengthOf(Rates.add(readings, stats(2)), 2)
    const many = Array.from({ length: 300 }, (_, index) => stats(index)).reduce(Rates.add, [] as Rates.Readings)
    assert.lengthOf(many, Rates.readingsMaxCount)
  })

  it("causes beyond the most frequent are together, and none is lost", () => {
    const refused = { A: 6, B: 5, C: 4, D: 3, E: 2, F: 1 }
    const interval = { at: 0, seconds: 1, accepted: 0, refused }
    const causes = Rates.causes([interval], 5)
    assert.deepStrictEqual(causes, ["A", "B", "C", "D", Rates.other])
    assert.deepStrictEqual(Rates.byCause(interval, causes), [6, 5, 4, 3, 3])
  })

  it("quantiles are bounds of buckets, and an empty histogram has none", () => {
    const histogram = { bounds: [1, 2, 5], counts: [5, 4, 0, 1] }
    assert.strictEqual(Rates.quantile(histogram, 0.5), 1)
    assert.strictEqual(Rates.quantile(histogram, 0.9), 2)
    assert.strictEqual(Rates.quantile(histogram, 0.99), Number.POSITIVE_INFINITY)
    assert.isNull(Rates.quantile({ bounds: [1], counts: [0, 0] }, 0.5))
    assert.deepStrictEqual(Rates.since(histogram, { ...histogram, counts: [6, 4, 2, 1] }).counts, [1, 0, 2, 0])
  })
})

describe("pages", () => {
  const all = sessions(10)
  const page = (from: number, to: number, next: string | null) => ({
    sessions: all.slice(from, to),
    next,
    tag: `${from}-${to}`
  })

  it("a session that is on two pages is shown once", () => {
    const pages = Pages.put(Pages.put([], 0, null, page(0, 5, "5")), 1, "5", page(4, 10, null))
    assert.lengthOf(Pages.rows(pages), 10)
    assert.isUndefined(Pages.following(pages))
  })

  it("a page whose beginning moved is read again, and what was seen of it no longer counts", () => {
    const pages = Pages.put(Pages.put([], 0, null, page(0, 5, "5")), 1, "5", page(5, 10, null))
    const moved = Pages.put(pages, 0, null, page(0, 4, "4"))
    assert.deepInclude(moved[1], { after: "4", tag: "" })
    const same = Pages.put(pages, 0, null, page(1, 5, "5"))
    assert.deepInclude(same[1], { after: "5", tag: "5-10" })
    assert.strictEqual(Pages.put(pages, 0, null, { sessions: null, next: null, tag: "0-5" }), pages)
  })

  it("a list that became shorter loses what was behind its end", () => {
    const pages = Pages.put(Pages.put([], 0, null, page(0, 5, "5")), 1, "5", page(5, 10, null))
    assert.lengthOf(Pages.rows(Pages.put(pages, 0, null, page(0, 5, null))), 5)
  })

  it("those in view are the ones that have its rows", () => {
    const pages = Pages.put(Pages.put([], 0, null, page(0, 5, "5")), 1, "5", page(5, 10, null))
    assert.deepStrictEqual(Pages.pagesOf(pages, 0, 3), [0])
    assert.deepStrictEqual(Pages.pagesOf(pages, 3, 7), [0, 1])
    assert.deepStrictEqual(Pages.pagesOf(pages, 6, 7), [1])
  })
})

describe("changes of data", () => {
  it("are the members that a patch sets, replaces and removes", () => {
    const data = { coupon: "SPRING", shipping: { method: "slow", "a/b": 1 }, list: [1] }
    const patch = { coupon: null, shipping: { method: "fast", "a/b": null }, list: [2], new: { deep: true } }
    assert.deepStrictEqual(Patch.changes(data, patch), [
      { path: "/coupon", before: "SPRING", after: undefined },
      { path: "/shipping/method", before: "slow", after: "fast" },
      { path: "/shipping/a~1b", before: 1, after: undefined },
      { path: "/list", before: [1], after: [2] },
      { path: "/new/deep", before: undefined, after: true }
    ])
    assert.deepStrictEqual(Patch.apply(data, patch), { shipping: { method: "fast" }, list: [2], new: { deep: true } })
    assert.deepStrictEqual(Patch.apply("text", { a: { b: null, c: 1 } }), { a: { c: 1 } })
  })

  it("long values are cut to a line", () => {
    assert.strictEqual(Patch.line("x".repeat(500)).length, 120)
  })
})

describe("spans", () => {
  it("are short, in the unit that one thinks in", () => {
    const all = [3, 1_500, 12_000, 250_000, 3_600_000, 12_000_000, 90_000_000, 400_000_000]
    assert.deepStrictEqual(all.map(Durations.span), [
      "3 ms",
      "1.5 s",
      "12 s",
      "4 min",
      "1 h",
      "3 h 20 min",
      "1 d",
      "4 d"
    ])
    assert.strictEqual(Durations.relative(0, 400), "now")
    assert.strictEqual(Durations.relative(0, 12_000_000), "3 h ago")
    assert.strictEqual(Durations.relative(0, 12_900), "12 s ago")
    assert.strictEqual(Durations.relative(9_999, 0), "in 9 s")
    assert.strictEqual(Durations.exact(0), "1970-01-01 00:00:00.000 UTC")
    assert.deepStrictEqual([0.04, 0.44, 12.34, 1_234.5].map(Durations.rate), ["0", "0.4", "12.3", "1,235"])
  })
})

describe("addresses", () => {
  it("lose their token, and keep the page they name", () => {
    const all = [
      "#token=abc",
      "#/engine?token=a%2Bb",
      "#/sessions/cs_1?token=abc&x=1",
      "#token=abc&x=1",
      "#/engine",
      ""
    ]
    assert.deepStrictEqual(
      all.map((each) => Fragment.split(each)).map(({ rest, token }) => [token, rest]),
      [
        ["abc", ""],
        ["a+b", "/engine"],
        ["abc", "/sessions/cs_1?x=1"],
        ["abc", "x=1"],
        [null, "/engine"],
        [null, ""]
      ]
    )
    for (const odd of ["#token=", "#token=a%20b", "#token=%"]) {
      assert.isTrue(Fragment.hasToken(odd), odd)
      assert.notInclude(Fragment.split(odd).rest, "token", odd)
    }
    assert.isNull(Fragment.split("#token=a%0Ab").token)
  })

  it("name a page and what it shows, and read back as what they were made of", () => {
    const filter = { show: "stuck", state: "Confirm Price", search: "cart/ä&" } as const
    const routes: ReadonlyArray<Route.Route> = [
      { page: "sessions", filter: Route.everything },
      { page: "sessions", filter },
      { page: "session", id: "cs/1 ?#" },
      { page: "engine" }
    ]
    for (const route of routes) assert.deepStrictEqual(Route.parse(Route.href(route)), route)
    for (const odd of ["", "#", "#/nowhere", "#x=1", "#/sessions/"])
      assert.strictEqual(Route.parse(odd).page, "sessions")
    assert.deepStrictEqual(Route.parse("#/sessions/%"), { page: "session", id: "%" })
  })
})
