/**
 * Plot: a line chart as Mermaid, which GitHub draws. The values of `x` are at equal distances. A Mermaid chart has no
 * legend, so a sentence under it names each line by its colour.
 */
import { show } from "./Figures.js"
import type { Plot } from "./Row.js"

const colours = [
  ["Blue", "#0969da"],
  ["orange", "#bc4c00"],
  ["green", "#1a7f37"],
  ["purple", "#8250df"],
  ["pink", "#bf3989"],
  ["grey", "#59636e"]
] as const

/** The most lines a chart can have. */
export const seriesMax = colours.length

const quoted = (text: string): string => `"${text.replace(/["\n]/g, "'")}"`

const rounded = (value: number): string => String(Number(value.toPrecision(4)))

/**
 * Draws it. Every series must have the same values of `x`. Throws a `RangeError` if they differ or if there are too
 * many series.
 */
export const toMermaid = ({ series, title, x, y }: Plot): string => {
  const across = series[0]?.points.map(([value]) => show(value)) ?? []
  const isLike = series.every(({ points }) => points.map(([value]) => show(value)).join() === across.join())
  if (!isLike || series.length > seriesMax) throw new RangeError(`cannot draw ${title}`)
  const palette = colours.slice(0, series.length).map(([, colour]) => colour)
  const top = Math.max(...series.flatMap(({ points }) => points.map(([, value]) => value)))
  return [
    "```mermaid",
    `%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": ${quoted(palette.join(", "))}}}}}%%`,
    "xychart-beta",
    `  title ${quoted(title)}`,
    `  x-axis ${quoted(x)} [${across.map(quoted).join(", ")}]`,
    `  y-axis ${quoted(y)} 0 --> ${rounded(top * 1.05)}`,
    ...series.map(({ points }) => `  line [${points.map(([, value]) => rounded(value)).join(", ")}]`),
    "```",
    "",
    `${series.map(({ name }, index) => `${colours[index]![0]}: ${name}`).join("; ")}.`
  ].join("\n")
}
