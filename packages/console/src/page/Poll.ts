/**
 * Poll: a hook that polls while the page is visible. The last value stays on the screen while the server does not
 * answer; a hidden page sends no requests.
 */
import type { CallError, Result } from "@onelane/client"
import { useEffect, useRef, useState } from "preact/hooks"
import { isSilence } from "./Api.js"
import { after } from "./Clock.js"

/** What was read. */
export interface Polled<A> {
  /** The last value; null before the first. */
  readonly value: A | null
  /** Why the last read failed; null if it did not. */
  readonly error: CallError | null
  /** Reads again now. */
  readonly again: () => void
}

/** Pause between two reads while the server does not answer, milliseconds. */
const silenceMillis = 1_000

/**
 * Reads now and every `millis` after the last answer. A new `key` starts over. `read` gets the previous value, so that
 * it can read only what is new.
 */
export const usePolled = <A>(
  key: string,
  millis: number,
  read: (signal: AbortSignal, before: A | null) => Promise<Result<A>>
): Polled<A> => {
  const [state, setState] = useState<{
    readonly key: string
    readonly value: A | null
    readonly error: CallError | null
  }>({ key, value: null, error: null })
  const latest = useRef(read)
  latest.current = read
  const again = useRef<() => void>(() => {})
  useEffect(() => {
    const ending = new AbortController()
    let value: A | null = null
    let takeBack = (): void => {}
    let isReading = false
    let isWished = false
    const look = async (): Promise<void> => {
      takeBack()
      if (isReading) isWished = true
      if (isReading || ending.signal.aborted || document.hidden) return
      isReading = true
      isWished = false
      const result = await latest.current(ending.signal, value)
      isReading = false
      if (ending.signal.aborted) return
      if (result.ok) value = result.value
      setState({ key, value, error: result.ok ? null : result.error })
      if (isWished) void look()
      else takeBack = after(!result.ok && isSilence(result.error) ? silenceMillis : millis, () => void look())
    }
    const seen = (): void => void look()
    again.current = seen
    document.addEventListener("visibilitychange", seen)
    void look()
    return () => {
      ending.abort()
      takeBack()
      document.removeEventListener("visibilitychange", seen)
    }
  }, [key, millis])
  const isMine = state.key === key
  return {
    value: isMine ? state.value : null,
    error: isMine ? state.error : null,
    again: () => again.current()
  }
}
