/**
 * Plot: a line plot as SVG, legible on a light and on a dark page. Axes are labelled and say when they are logarithmic;
 * series differ by colour and by mark.
 */
import { show } from "./Figures.js"
import type { Plot } from "./Row.js"

const width = 720
const height = 420
const area = { left: 84, right: 500, top: 48, bottom: 356 }

/** From a value to a place on the page. */
interface Axis {
  readonly place: (value: number) => number
  readonly ticks: ReadonlyArray<number>
}

/** Round numbers between two values, ends included: powers of ten, or steps of 1, 2 or 5. */
export const ticksOf = (low: number, high: number, log: boolean): ReadonlyArray<number> => {
  if (log) {
    const first = Math.floor(Math.log10(low) + 1e-9)
    const last = Math.ceil(Math.log10(high) - 1e-9)
    const ends = last === first ? [first, first + 1] : [first, last]
    return Array.from({ length: ends[1]! - ends[0]! + 1 }, (_, index) => 10 ** (ends[0]! + index))
  }
  const rough = (high - low || Math.abs(high) || 1) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10)
  const first = Math.floor(low / step + 1e-9)
  const count = Math.max(1, Math.ceil(high / step - 1e-9) - first)
  return Array.from({ length: count + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)))
}

const axis = (values: ReadonlyArray<number>, log: boolean, from: number, to: number): Axis => {
  const smallest = Math.min(...values)
  const ticks = ticksOf(log ? smallest : Math.min(0, smallest), Math.max(...values), log)
  const scaled = log ? Math.log10 : (value: number): number => value
  const low = scaled(ticks[0]!)
  const high = scaled(ticks[ticks.length - 1]!)
  return { ticks, place: (value) => from + ((scaled(value) - low) / (high - low)) * (to - from) }
}

const escaped = (text: string): string =>
  text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")

const at = (value: number): string => value.toFixed(1)

const style = `
  .page { fill: #ffffff } .ink { fill: #1f2328 } .grid { stroke: #d1d9e0 } .frame { stroke: #59636e; fill: none }
  text { font: 12px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 }
  .line { fill: none; stroke-width: 2 } .c0 { --c: #0969da } .c1 { --c: #bc4c00 } .c2 { --c: #1a7f37 }
  .c3 { --c: #8250df } .c4 { --c: #bf3989 } .c5 { --c: #59636e } .line { stroke: var(--c) } .mark { fill: var(--c) }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .ink { fill: #f0f6fc } .grid { stroke: #3d444d } .frame { stroke: #9198a1 }
    .c0 { --c: #4493f8 } .c1 { --c: #f0883e } .c2 { --c: #3fb950 } .c3 { --c: #ab7df8 } .c4 { --c: #f778ba }
    .c5 { --c: #9198a1 }
  }`

/** A mark of its own for each series. */
const markAt = (series: number, x: number, y: number): string => {
  const [left, right, top, bottom] = [at(x - 5), at(x + 5), at(y - 5), at(y + 5)]
  const shapes = [
    `<circle class="mark" cx="${at(x)}" cy="${at(y)}" r="4.5"/>`,
    `<rect class="mark" x="${at(x - 4)}" y="${at(y - 4)}" width="8" height="8"/>`,
    `<path class="mark" d="M${at(x)} ${top}L${right} ${bottom}H${left}Z"/>`,
    `<path class="mark" d="M${at(x)} ${top}L${right} ${at(y)}L${at(x)} ${bottom}L${left} ${at(y)}Z"/>`,
    `<path class="mark" d="M${left} ${top}H${right}L${at(x)} ${bottom}Z"/>`,
    `<path class="mark" d="M${at(x - 5)} ${at(y - 1.5)}h10v3h-10zM${at(x - 1.5)} ${at(y - 5)}h3v10h-3z"/>`
  ]
  return shapes[series % shapes.length]!
}

const frame = ({ x, y, log }: Plot, across: Axis, up: Axis): ReadonlyArray<string> => {
  const { left, right, top, bottom } = area
  const named = (label: string, isLog: boolean): string => escaped(isLog ? `${label} (log scale)` : label)
  const middle = at((top + bottom) / 2)
  return [
    ...up.ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${right}" y1="${at(up.place(tick))}" y2="${at(up.place(tick))}"/>`,
      `<text class="ink" x="${left - 8}" y="${at(up.place(tick) + 4)}" text-anchor="end">${show(tick)}</text>`
    ]),
    ...across.ticks.flatMap((tick) => [
      `<line class="grid" x1="${at(across.place(tick))}" x2="${at(across.place(tick))}" y1="${top}" y2="${bottom}"/>`,
      `<text class="ink" x="${at(across.place(tick))}" y="${bottom + 18}" text-anchor="middle">${show(tick)}</text>`
    ]),
    `<rect class="frame" x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/>`,
    `<text class="ink" x="${(left + right) / 2}" y="${bottom + 42}" text-anchor="middle">${named(x, log.x)}</text>`,
    `<text class="ink" x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">${named(y, log.y)}</text>`
  ]
}

/** Draws it. Values of a logarithmic axis must be above 0. */
export const toSvg = (plot: Plot): string => {
  const points = plot.series.flatMap((each) => each.points)
  const across = axis(
    points.map(([value]) => value),
    plot.log.x,
    area.left,
    area.right
  )
  const up = axis(
    points.map(([, value]) => value),
    plot.log.y,
    area.bottom,
    area.top
  )
  const series = plot.series.flatMap(({ name, points }, index) => {
    const placed = points.map(([x, y]) => [across.place(x), up.place(y)] as const)
    const legend = area.top + 12 + index * 24
    return [
      `<g class="c${index % 6}">`,
      `<path class="line" d="M${placed.map(([x, y]) => `${at(x)} ${at(y)}`).join("L")}"/>`,
      ...placed.map(([x, y]) => markAt(index, x, y)),
      markAt(index, area.right + 20, legend),
      `<text class="ink" x="${area.right + 32}" y="${legend + 4}">${escaped(name)}</text>`,
      "</g>"
    ]
  })
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(plot.title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    `<text class="ink title" x="${area.left}" y="28">${escaped(plot.title)}</text>`,
    ...frame(plot, across, up),
    ...series,
    "</svg>"
  ].join("\n")}\n`
}
