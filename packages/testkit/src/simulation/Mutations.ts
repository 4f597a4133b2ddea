/**
 * Mutations: guards of the product, each with the edit that removes it. A guard whose removal is not detected is not
 * tested, so the simulation runs on a build without it and must detect that.
 *
 * Owns the edits: each names a text that occurs exactly once in its file, so a changed guard makes its edit fail.
 * Source: TARGETS, F2.
 */
import type { Scenario } from "./Scenario.js"

/** One edit of one source file, relative to `packages/`. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** The removal of a guard. */
export interface Mutation {
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
  /** Overrides of the runs that must detect it; a guard against a rare event is tested in runs where it is frequent. */
  readonly scenario: Partial<Scenario>
  /** The problem that must be found. */
  readonly caughtBy: RegExp
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace })

/** A1, input gate: a turn that waits for a port, a load or its commit does not hold the address. */
const inputGate: ReadonlyArray<Edit> = [
  edit(
    "engine/src/actor/Turn.ts",
    "inFlight.busy = true // A1: nothing else of this address runs while the turn waits",
    ""
  ),
  edit("engine/src/actor/Loading.ts", "inFlight.busy = true // A1", "// A1"),
  edit("engine/src/actor/Committing.ts", "inFlight.busy = true // A1", "// A1")
]

/** A2, output gate: answers are released before they are durable. */
const outputGate: ReadonlyArray<Edit> = [
  edit(
    "engine/src/actor/TurnContext.ts",
    "pending.waiters.push({ envelope, exit, wrote })",
    "answer(context, envelope.activation, envelope, exit)"
  )
]

/** A3, doubt: the state is kept when its commit was not confirmed. */
const doubt: ReadonlyArray<Edit> = [edit("engine/src/actor/Committing.ts", "activation.loaded = false // A3", "")]

/** A4, fence: the journal accepts any append, whatever sequence it expects. */
const fence: ReadonlyArray<Edit> = [
  edit("engine/src/journal/JournalMemory.ts", '!== entry.expectedSequence) return "conflict"', '< 0) return "conflict"')
]

/** A4, fence: the journal accepts a digest a second time. */
const digestFence: ReadonlyArray<Edit> = [
  edit(
    "engine/src/journal/JournalMemory.ts",
    'isAnyRecorded(record, records)) return "conflict"',
    'false) return "conflict"'
  )
]

const anything = /./
const history = /double win|stale answer|out of order|conflicting|resurrected|unexplained|wrong|repeated key/

/** Every mutation, with what must find it. */
export const mutations: ReadonlyArray<Mutation> = [
  { name: "without A1", edits: inputGate, scenario: { slowPorts: 0.3 }, caughtBy: /A1: two turns/ },
  { name: "without A2", edits: outputGate, scenario: {}, caughtBy: history },
  { name: "without A3", edits: doubt, scenario: {}, caughtBy: history },
  { name: "without A4", edits: fence, scenario: { engines: 2 }, caughtBy: /double win/ },
  { name: "without A1 and A4", edits: [...inputGate, ...fence], scenario: { engines: 1 }, caughtBy: history },
  { name: "without A2 and A3", edits: [...outputGate, ...doubt], scenario: {}, caughtBy: history },
  {
    name: "a claim drops the patch it came with",
    edits: [
      edit(
        "checkout/src/session/SessionState.ts",
        "claim, null, session.orderId, event.requestId, data)",
        "claim, null, session.orderId, event.requestId)"
      )
    ],
    scenario: { data: "callers", tasks: true },
    caughtBy: history
  },
  {
    name: "a patch is kept that the schema refuses",
    edits: [
      edit(
        "checkout/src/commands/UpdateCheckoutSession.ts",
        'if (merged !== null && "reason" in merged)',
        "if (merged === undefined)"
      )
    ],
    scenario: { data: "callers" },
    caughtBy: /its schema refuses/
  },
  { name: "without A3 and A4", edits: [...doubt, ...fence], scenario: { engines: 1 }, caughtBy: history },
  {
    name: "a turn concludes on ground that was undone while it asked a port",
    edits: [
      edit("engine/src/actor/Turn.ts", "if (activation.loaded) finishTurn(", "if (inFlight !== null) finishTurn(")
    ],
    scenario: { engines: 1, immediate: false, slowPorts: 0.5, faults: { refused: 0.3, conflict: 0.1 } },
    caughtBy: history
  },
  {
    name: "a commit in flight vouches for late callers, beside other writers",
    edits: [edit("engine/src/actor/Loading.ts", "&& inFlight.newest.flying", "&& inFlight.newest.withdrawn")],
    scenario: { engines: 2, immediate: false, slowPorts: 0, faults: { "slow answer": 0.5, "lost write": 0.05 } },
    caughtBy: history
  },
  {
    name: "a session goes to sleep while its commit is in flight",
    edits: [
      edit("engine/src/actor/Activation.ts", "&& inFlight.oldest === null && inFlight.mailbox", "&& inFlight.mailbox")
    ],
    scenario: {
      engines: 1,
      immediate: false,
      sessions: 4,
      faults: { "slow write": 0.5 },
      engine: {
        idleMillis: 1,
        sweepMillis: 5,
        liveCapacity: 1,
        mailboxCapacity: 4_096,
        batchCapacity: 1_024,
        settleSlice: 128
      }
    },
    caughtBy: anything
  },
  {
    name: "a caller who leaves takes the others' places along",
    edits: [
      edit(
        "engine/src/actor/Turn.ts",
        "Mailbox.remove(inFlight.mailbox, envelope)",
        "while (inFlight.mailbox.size > 0) Mailbox.take(inFlight.mailbox)"
      )
    ],
    scenario: { interruptions: 0.3, slowPorts: 0.5, clients: 8 },
    caughtBy: /everybody waits|no end within/
  },
  {
    name: "keys are forgotten with a load, and the journal records them twice",
    edits: [edit("engine/src/actor/Records.ts", ": new Set(row.digests)", ": noDigests"), ...digestFence],
    scenario: {
      engines: 1,
      immediate: false,
      keys: 1,
      repeats: 0.5,
      clients: 8,
      callsPerClient: 30,
      kills: 3,
      faults: {}
    },
    caughtBy: /repeated key/
  },
  {
    name: "a result closes an operation that is over",
    edits: [
      edit(
        "checkout/src/commands/CloseOperation.ts",
        "if (operationId === command.operationId && nextState !== null && workKey !== null)",
        "if (nextState !== null && workKey !== null)"
      ),
      // The second guard: a closed operation is recorded, and the fence takes a record once.
      edit(
        "checkout/src/commands/CompleteTask.ts",
        'return accept(event, session.lastRequestId ?? "", digestsWith(use, operationId))',
        'return accept(event, session.lastRequestId ?? "", digestsWith(use))'
      ),
      edit("checkout/src/commands/FailTask.ts", "digestsWith(use, operationId)", "digestsWith(use)")
    ],
    scenario: { tasks: true, cancels: 0, clients: 8, callsPerClient: 24 },
    caughtBy: /operation/
  },
  {
    name: "a late success is kept as often as it is reported",
    edits: [
      edit(
        "checkout/src/commands/CompleteTask.ts",
        "if (late.some((one) => one.orderId === orderId)) return",
        "if (late.length > 9) return"
      )
    ],
    scenario: { tasks: true, cancels: 0, clients: 8, callsPerClient: 24 },
    caughtBy: /operation/
  },
  {
    name: "a late success is refused and forgotten",
    edits: [edit("checkout/src/commands/CompleteTask.ts", "events: [kept]", "events: []")],
    scenario: { tasks: true, cancels: 0, clients: 8, callsPerClient: 24 },
    caughtBy: /kept/
  },
  {
    name: "a session stays where it came to, though the state proceeds",
    edits: [
      edit(
        "checkout/src/commands/Proceeding.ts",
        "if (work === null) return",
        "if (work === null || kept.followUps >= 0) return"
      )
    ],
    scenario: { tasks: true, chains: true },
    caughtBy: /stays in ., which proceeds/
  }
]
