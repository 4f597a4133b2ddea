/** Every subject by its name. A row's subjects run in processes of their own. */
import type { Subject } from "../Runner.js"
import { makeDirectory } from "../WorkingFolder.js"

/** How a subject is made; heavy libraries are loaded only by the process that measures them. */
export type MakeSubject = () => Subject | Promise<Subject>

/** The subjects. */
export const subjects: Readonly<Record<string, MakeSubject>> = {
  bare: async () => (await import("./Plain.js")).bare(),
  "async function": async () => (await import("./Plain.js")).asyncFunction(),
  "async function, same answer": async () => (await import("./Plain.js")).asyncSameAnswer(),
  "promise chain": async () => (await import("./Plain.js")).promiseChain(),
  "async-mutex": async () => (await import("./Libraries.js")).sequenced(),
  "p-queue": async () => (await import("./Libraries.js")).pQueue(),
  xstate: async () => (await import("./Libraries.js")).xstate(),
  nact: async () => (await import("./Libraries.js")).nact(),
  "Effect no-op": async () => (await import("./EffectPeers.js")).noop(false),
  "Effect no-op that fails": async () => (await import("./EffectPeers.js")).noop(true),
  "Map in Effect": async () => (await import("./EffectPeers.js")).mapInEffect(),
  semaphore: async () => (await import("./EffectPeers.js")).semaphore(),
  SynchronizedRef: async () => (await import("./EffectPeers.js")).synchronizedRef(),
  "Queue + Deferred": async () => (await import("./EffectPeers.js")).queueActor(),
  Machine: async () => (await import("./EffectPeers.js")).machineActor(),
  "cluster entity": async () => (await import("./ClusterPeer.js")).clusterEntity(),
  "onelane, Effect": async () => (await import("./Onelane.js")).onelaneEffect(),
  "onelane, effectful port": async () => (await import("./Onelane.js")).onelaneEffectfulPort(),
  "onelane, Promise": async () => (await import("./Onelane.js")).onelanePromise(),
  "onelane, Promise, without keys": async () => (await import("./Onelane.js")).onelanePromiseWithoutKeys(),
  "SQLite, a commit each": async () => (await import("./DurablePeers.js")).sqliteCommitEach(makeDirectory()),
  "@effect/sql transaction each": async () => (await import("./DurablePeers.js")).effectSqlTransaction(makeDirectory()),
  "PostgreSQL, CAS each": async () => (await import("./DurablePeers.js")).postgresCas(),
  "PostgreSQL, CAS each, pg as it comes": async () => (await import("./DurablePeers.js")).postgresCasPlain(),
  "PostgreSQL, CAS and event each": async () => (await import("./DurablePeers.js")).postgresCasAndEvent(),
  "Redis, Lua, fsync always": async () => (await import("./DurablePeers.js")).redisLua(),
  "onelane, SQLite": async () => (await import("./OnelaneDurable.js")).onelaneSqlite(makeDirectory()),
  "onelane, SQLite, Promise": async () => (await import("./OnelaneDurable.js")).onelaneSqlitePromise(makeDirectory()),
  "engine on raw statements": async () => (await import("./OnelaneDurable.js")).onelaneRaw(makeDirectory()),
  "engine on an fdatasync'd file": async () => (await import("./OnelaneDurable.js")).onelaneFile(makeDirectory()),
  "onelane, SQLite, with data": async () => (await import("./OnelanePatched.js")).sqlitePatched(makeDirectory()),
  "onelane, PostgreSQL, with data": async () => (await import("./OnelanePatched.js")).postgresPatched(),
  "onelane, PostgreSQL": async () => (await import("./OnelaneDurable.js")).onelanePostgres(),
  "onelane, PostgreSQL, Promise": async () => (await import("./OnelaneDurable.js")).onelanePostgresPromise()
}
