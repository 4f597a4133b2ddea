/** OperationView: the operation that runs: who began it, how long it may take, how often it was tried. */
import type { Operation } from "./Contract.js"
import { Fact } from "./Facts.js"
import { who } from "./Race.js"
import { Ago, useNow } from "./Times.js"

const triesOf = ({ tries }: Operation): string => {
  if (tries === null) return "unknown: no node that answered runs it"
  if (tries === 0) return "none yet: it waits, or the work is done elsewhere"
  return String(tries)
}

/** Elapsed part of the time until the deadline, 0 to 1; null if one of the two is unknown. */
const usedOf = ({ claimedAt, deadlineAt }: Operation, now: number): number | null => {
  if (claimedAt === null || deadlineAt === null) return null
  const [from, to] = [Date.parse(claimedAt), Date.parse(deadlineAt)]
  return to <= from ? 1 : Math.min(1, Math.max(0, (now - from) / (to - from)))
}

/** The running operation. */
export const OperationView = ({ operation, state }: { readonly operation: Operation; readonly state: string }) => {
  const { by, claimedAt, deadlineAt, isOverdue, nextState, node, operationId, workKey } = operation
  const used = usedOf(operation, useNow())
  return (
    <section class="panel" aria-labelledby="operation">
      <h2 id="operation">
        A task runs: work of {state}
        {nextState !== null && `, on the way to ${nextState}`}
      </h2>
      {isOverdue && <p class="note bad">Its deadline is over and nobody has closed it. Release the claim to go on.</p>}
      <dl class="facts">
        <Fact name="Began by">{who(by)}</Fact>
        {claimedAt !== null && (
          <Fact name="Began">
            <Ago at={claimedAt} />
          </Fact>
        )}
        {deadlineAt !== null && (
          <Fact name="Deadline">
            <Ago at={deadlineAt} />
            {used !== null && (
              <svg class="used" width="100%" height="4" aria-hidden="true">
                <rect width="100%" height="4" rx="2" class="rail" />
                <rect width={`${Math.round(used * 100)}%`} height="4" rx="2" class={isOverdue ? "over" : "done"} />
              </svg>
            )}
          </Fact>
        )}
        <Fact name="Tries" isLong={operation.tries === null || operation.tries === 0}>
          {triesOf(operation)}
        </Fact>
        {node !== null && <Fact name="Node">{node}</Fact>}
        {workKey !== null && (
          <Fact name="Work key" isLong>
            <code>{workKey}</code>
          </Fact>
        )}
        <Fact name="Operation" isLong>
          <code>{operationId}</code>
        </Fact>
      </dl>
    </section>
  )
}
