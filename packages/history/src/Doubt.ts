/**
 * Doubt: calls with an unknown outcome, grouped by effect. Two calls with the same effect are interchangeable once both
 * were made, so the checkers count them instead of choosing among them.
 */
import { isDoubtful, isLate, type Operation } from "./History.js"
import { textOf } from "./SessionData.js"

/**
 * Doubtful calls with the same effect: one of them, when each was made (ascending), and how many are counted as done.
 */
export interface Kind {
  readonly sample: Operation
  readonly invoked: Array<number>
  used: number
}

/** The doubtful calls among `operations`, by effect. */
export const kindsOf = (operations: ReadonlyArray<Operation>): ReadonlyArray<Kind> => {
  const kinds = new Map<string, Kind>()
  for (const operation of operations.filter((each) => isDoubtful(each) || isLate(each))) {
    const { action, expected, next, expectedVersion, patch, late } = operation
    const name = JSON.stringify([
      action,
      expected,
      next,
      expectedVersion,
      patch === undefined ? null : textOf(patch),
      late === true
    ])
    const kind = kinds.get(name)
    if (kind === undefined) kinds.set(name, { sample: operation, invoked: [operation.invoked], used: 0 })
    else kind.invoked.push(operation.invoked)
  }
  for (const kind of kinds.values()) kind.invoked.sort((a, b) => a - b)
  return [...kinds.values()]
}

/** Whether one more call of this kind can have taken effect by `instant`: enough of them had been made by then. */
export const isLeft = (kind: Kind, instant: number): boolean => {
  const invoked = kind.invoked[kind.used]
  return invoked !== undefined && invoked <= instant
}
