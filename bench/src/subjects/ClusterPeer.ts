/** ClusterPeer: an `@effect/cluster` entity per session, on the library's own single in-memory runner. */
import { Entity, TestRunner } from "@effect/cluster"
import { Rpc } from "@effect/rpc"
import { Context, Effect, Layer, ManagedRuntime, Schema } from "effect"
import { ofEffects, type Subject } from "../Runner.js"
import { decide, idsOf, initial, type Register, type RegisterAnswer, see } from "./Register.js"

const Answer = Schema.Struct({ ok: Schema.Boolean, state: Schema.String, version: Schema.Number })

const Session = Entity.make("Session", [
  Rpc.make("update", { payload: { expected: Schema.String, next: Schema.String }, success: Answer, error: Answer })
])

const layer = Session.toLayer(
  Effect.sync(() => {
    let register: Register = initial
    return {
      update: ({ payload }: { readonly payload: { readonly expected: string; readonly next: string } }) =>
        Effect.suspend(() => {
          const answer = decide(register, payload.expected, payload.next)
          if (answer.ok) register = answer
          return answer.ok ? Effect.succeed(answer) : Effect.fail(answer)
        })
    }
  }),
  { mailboxCapacity: "unbounded" }
)

type Refused = RegisterAnswer

class Client extends Context.Tag("@onelane/bench/ClusterClient")<
  Client,
  (id: string) => (expected: string, next: string) => Effect.Effect<RegisterAnswer, Refused>
>() {}

const clientLayer = Layer.effect(
  Client,
  Effect.map(
    Session.client,
    (client) => (id) => (expected, next) =>
      Effect.catchTags(client(id).update({ expected, next }), {
        MailboxFull: Effect.die,
        AlreadyProcessingMessage: Effect.die,
        PersistenceError: Effect.die
      }) as Effect.Effect<RegisterAnswer, Refused>
  )
).pipe(Layer.provideMerge(layer), Layer.provide(TestRunner.layer))

/** The entity, called through its client. */
export const clusterEntity = async (): Promise<Subject> => {
  const runtime = ManagedRuntime.make(clientLayer)
  const client = await runtime.runPromise(Client)
  return ofEffects(
    { update: (id: string, expected: string, next: string) => client(id)(expected, next), accepted: see, refused: see },
    { open: async (count) => idsOf(count), close: () => runtime.dispose() }
  )
}
