/**
 * Contract: the types of the server's answers to operators. Instants arrive as text and stay text until they are shown.
 */
import type { Session } from "@onelane/client"

/** How a session is doing: what the list is ordered by. */
export type Status = "failed" | "stuck" | "running" | "waiting" | "closed"

/** A session in the list. */
export interface Listed {
  readonly checkoutSessionId: string
  readonly cartId: string
  readonly state: string
  readonly status: Status
  readonly closedBy: string | null
  readonly version: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly operation: {
    readonly operationId: string
    readonly by: string | null
    readonly nextState: string | null
    readonly deadlineAt: string | null
  } | null
}

/** A page of the list; `sessions` is null if the page is unchanged since `seen`. */
export interface ListPage {
  readonly sessions: ReadonlyArray<Listed> | null
  readonly next: string | null
  readonly tag: string
}

/** How many sessions there are of each kind; a number that equals `atMost` means that many or more. */
export interface Counts {
  readonly failed: number
  readonly stuck: number
  readonly running: number
  readonly live: number
  readonly atMost: number
}

/** The state of a session when it refused an attempt. */
export interface Current {
  readonly state: string
  readonly version: number
  readonly nextState: string | null
  readonly isProcessing: boolean
  readonly lastRequestId: string | null
}

/** A refused attempt. */
export interface Attempt {
  readonly at: string
  readonly by: string | null
  readonly action: string
  readonly tag: string
  readonly reason: string
  readonly code: string
  readonly message: string
  readonly expected: {
    readonly state: string | null
    readonly version: number | null
    readonly operationId: string | null
  }
  readonly next: string | null
  readonly current: Current | null
  readonly node: string
}

/** The refused attempts of a session that one node keeps in memory. */
export interface Ring {
  readonly node: string
  readonly since: string
  readonly kept: number
  readonly dropped: number
  readonly attempts: ReadonlyArray<Attempt>
}

/** The operation that runs. */
export interface Operation {
  readonly operationId: string
  readonly workKey: string | null
  readonly nextState: string | null
  readonly by: string | null
  readonly claimedAt: string | null
  readonly deadlineAt: string | null
  readonly isOverdue: boolean
  readonly tries: number | null
  readonly node: string | null
}

/** Everything about one session but its history. */
export interface Inspected {
  readonly session: Omit<Session, "createdAt" | "updatedAt" | "expiresAt"> & {
    readonly createdAt: string
    readonly updatedAt: string
    readonly expiresAt: string | null
  }
  readonly operation: Operation | null
  readonly rings: ReadonlyArray<Ring>
  readonly missing: ReadonlyArray<string>
}

/** The flow of the server. */
export interface Flow {
  readonly name: string
  readonly version: number
  readonly states: ReadonlyArray<string>
  readonly edges: Readonly<Record<string, ReadonlyArray<string>>>
  readonly finals: ReadonlyArray<string>
}

/** A histogram: upper bounds of its buckets; `counts` has one more number, for larger values. */
export interface Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
}

/** Counters of a node since it started. */
export interface Stats {
  readonly node: string
  readonly release: string
  readonly startedAt: string
  readonly at: string
  readonly accepted: number
  readonly refused: number
  readonly overloads: number
  readonly conflicts: number
  readonly refusals: Readonly<Record<string, number>>
  readonly commits: {
    readonly count: number
    readonly entries: number
    readonly failures: number
    readonly millis: number
    readonly sizes: Histogram
    readonly durations: Histogram
  }
  readonly http: { readonly requests: number; readonly streams: number; readonly waits: number }
  readonly sessionsActive: number
  readonly tasksRunning: number
  readonly mailboxDepth: number
  readonly clockOffsetMillis: number
  readonly memoryBytes: number
  readonly storeLogBytes: number
  readonly attempts: { readonly since: string; readonly sessions: number; readonly bytes: number }
  readonly cluster: { readonly nodes: number; readonly heldShards: number; readonly shards: number } | null
}

/** The input for a page of the list. */
export interface ListInput {
  readonly order: "attention"
  readonly only?: "failed" | "stuck" | "running" | "archived"
  readonly archived?: boolean
  readonly states?: ReadonlyArray<string>
  readonly search?: string
  readonly stuckMillis: number
  readonly limit: number
  readonly after?: string
  readonly seen?: string
}
