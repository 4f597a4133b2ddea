/** Badge: how a session is doing, by a word, a shape and a colour. */
import type { Status } from "./Contract.js"

const words: Readonly<Record<Status, string>> = {
  failed: "failed",
  stuck: "stuck",
  running: "running",
  waiting: "waiting",
  closed: "closed"
}

/** The status of a session. */
export const Badge = ({ closedBy, status }: { readonly status: Status; readonly closedBy?: string | null }) => (
  <span class={`badge ${status}`}>{closedBy?.toLowerCase() ?? words[status]}</span>
)
