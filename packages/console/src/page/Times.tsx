/** Times: instants and spans on the page; each has its exact value as a title. */
import { useEffect, useState } from "preact/hooks"
import { every, now } from "./Clock.js"
import { exact, relative } from "./Durations.js"

/** Now, once a second. */
export const useNow = (): number => {
  const [at, setAt] = useState(now)
  useEffect(() => every(1_000, () => setAt(now())), [])
  return at
}

/** An instant, relative to now. */
export const Ago = ({ at }: { readonly at: number | string }) => {
  const here = useNow()
  const millis = typeof at === "number" ? at : Date.parse(at)
  return (
    <time dateTime={new Date(millis).toISOString()} title={exact(millis)}>
      {relative(millis, here)}
    </time>
  )
}
