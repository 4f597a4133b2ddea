/** Strip: a race drawn on a line of time: the one who won, and those who came after, by milliseconds. */
import type { HistoryEntry } from "@onelane/client"
import { span } from "./Durations.js"
import { type Loser, positions, summary } from "./Race.js"

/** The part of the width that the line takes, percent. */
const [left, right] = [3, 97] as const

const x = (place: number): string => `${left + place * (right - left)}%`

/** The drawing of a race; its sentence is told to those who do not see it. */
export const Strip = ({ entry, losers }: { readonly entry: HistoryEntry; readonly losers: ReadonlyArray<Loser> }) => {
  const placed = positions(entry, losers)
  return (
    <div class="strip">
      <svg width="100%" height="28" role="img" aria-label={summary(entry, losers)}>
        <line x1={x(0)} x2={x(1)} y1="14" y2="14" class="axis" />
        {placed.losers.map((place, index) => (
          <svg key={`${losers[index]?.at} ${losers[index]?.attempt.by}`} x={x(place)} y="14" overflow="visible">
            <title>{losers[index]?.attempt.by ?? "the engine"} lost</title>
            <path d="M-4.5-4.5 4.5 4.5M-4.5 4.5 4.5-4.5" class="cross" />
          </svg>
        ))}
        <circle cx={x(placed.winner)} cy="14" r="6" class="dot" />
      </svg>
      <p class="scale" aria-hidden="true">
        <span>0</span>
        <span>{span(placed.millis)}</span>
      </p>
    </div>
  )
}
