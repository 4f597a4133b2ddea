/** Silence: says that the server does not answer, and since when; and that it is back. */
import { useEffect, useRef, useState } from "preact/hooks"
import { silentSince } from "./Api.js"
import { after } from "./Clock.js"
import { roughly } from "./Durations.js"
import { useStore } from "./Store.js"
import { useNow } from "./Times.js"

const backMillis = 4_000

/** A line across the page while the server does not answer. */
export const Silence = () => {
  const since = useStore(silentSince)
  const was = useRef(false)
  const [isBack, setBack] = useState(false)
  useEffect(() => {
    if (since !== null) {
      was.current = true
      setBack(false)
      return
    }
    if (!was.current) return
    was.current = false
    setBack(true)
    return after(backMillis, () => setBack(false))
  }, [since])
  return (
    <div role="status" class="silence-place">
      {since !== null && <Lost since={since} />}
      {isBack && <p class="silence back">The server answers again. What you see is up to date.</p>}
    </div>
  )
}

const Lost = ({ since }: { readonly since: number }) => {
  const now = useNow()
  return (
    <p class="silence">
      The server does not answer. Trying again every second
      <span aria-hidden="true">, for {roughly(now - since)}</span>. What you see may be out of date.
    </p>
  )
}
