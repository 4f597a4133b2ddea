/** Sends the messages of the outbox, each at least once. The receiver drops a message whose id it has seen. */
import { crash } from "./crash.js"
import { query } from "./orders.js"

const patienceMillis = 2_000

/** Claims a message for the maximum duration of a try. After a crash or a failed try it is due again. */
const take = `
  UPDATE outbox SET try_at = now() + interval '3 seconds' WHERE id = (
    SELECT id FROM outbox WHERE sent_at IS NULL AND try_at <= now() ORDER BY try_at LIMIT 1 FOR UPDATE SKIP LOCKED
  ) RETURNING id, body`

/** Sends the messages that are due. */
export const send = async (): Promise<void> => {
  for (;;) {
    const [message] = (await query(take)).rows
    if (message === undefined) return
    crash("before send")
    const headers = { "content-type": "application/json", "message-id": message.id }
    const signal = AbortSignal.timeout(patienceMillis)
    const body = JSON.stringify(message.body)
    const { ok, status } = await fetch(`${process.env.MAIL_URL}/messages`, { method: "POST", headers, body, signal })
    if (!ok) throw new Error(`message ${message.id} was answered with status ${status}`)
    crash("message sent")
    await query("UPDATE outbox SET sent_at = now() WHERE id = $1", [message.id])
  }
}
