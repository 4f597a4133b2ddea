/** Charts: columns over time, and buckets of a histogram. Drawn in SVG; the figures stand beside them as text. */
import type { Histogram } from "./Contract.js"
import { count, rate } from "./Durations.js"

const height = 120

interface BarsOf {
  /** For each moment the parts of its column, from the bottom up. */
  readonly columns: ReadonlyArray<ReadonlyArray<number>>
  /** Number of moments that fit. */
  readonly most: number
  readonly label: string
}

const sum = (parts: ReadonlyArray<number>): number => parts.reduce((all, each) => all + each, 0)

/** A round number that is no smaller. */
const ceiling = (value: number): number => {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find((each) => each * power >= value) ?? 10) * power
}

/** Columns over time, the latest at the right. */
export const Bars = ({ columns, label, most }: BarsOf) => {
  const top = ceiling(Math.max(0, ...columns.map(sum)))
  const width = 100 / most
  return (
    <figure class="bars">
      <svg width="100%" height={height} role="img" aria-label={`${label}; the scale ends at ${rate(top)} a second`}>
        <line x1="0" x2="100%" y1="0.5" y2="0.5" class="grid" />
        <line x1="0" x2="100%" y1={height / 2} y2={height / 2} class="grid" />
        <line x1="0" x2="100%" y1={height - 0.5} y2={height - 0.5} class="axis" />
        {columns.map((parts, index) => {
          const x = `${100 - (columns.length - index) * width}%`
          let y = height
          return parts.map((part, kind) => {
            const tall = (part / top) * height
            y -= tall
            return tall < 0.25 ? null : (
              <rect key={`${index} ${kind}`} x={x} y={y} width={`${width * 0.82}%`} height={tall} class={`c${kind}`} />
            )
          })
        })}
      </svg>
      <p class="scale" aria-hidden="true">
        <span>3 min ago</span>
        <span>scale {rate(top)} a second</span>
        <span>now</span>
      </p>
    </figure>
  )
}

interface BucketsOf {
  readonly title: string
  readonly unit: string
  readonly histogram: Histogram
}

/** A histogram as a table whose rows have bars; empty rows at both ends are left out. */
export const Buckets = ({ histogram: { bounds, counts }, title, unit }: BucketsOf) => {
  const top = Math.max(1, ...counts)
  const first = counts.findIndex((each) => each > 0)
  const last = counts.findLastIndex((each) => each > 0)
  return (
    <table class="plain buckets">
      <caption>{title}</caption>
      <thead class="unseen">
        <tr>
          <th scope="col">Bucket</th>
          <th scope="col">Share</th>
          <th scope="col">Commits</th>
        </tr>
      </thead>
      <tbody>
        {first < 0 && (
          <tr>
            <td colSpan={3}>nothing yet</td>
          </tr>
        )}
        {counts.map((each, index) =>
          index < first || index > last || first < 0 ? null : (
            <tr key={bounds[index] ?? "above"}>
              <th scope="row" class="num">
                {bounds[index] === undefined
                  ? `> ${count(bounds.at(-1) ?? 0)}${unit}`
                  : `≤ ${count(bounds[index])}${unit}`}
              </th>
              <td class="share">
                <svg width="100%" height="10" aria-hidden="true">
                  <rect width={`${(each / top) * 100}%`} height="10" rx="2" class="c0" />
                </svg>
              </td>
              <td class="num">{count(each)}</td>
            </tr>
          )
        )}
      </tbody>
    </table>
  )
}
