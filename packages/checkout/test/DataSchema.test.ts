import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { z } from "zod"
import * as DataSchema from "../src/flow/DataSchema.js"
import * as Flow from "../src/flow/Flow.js"

const transitions = { Start: ["End"], End: [] } as const
const flowOf = (data: unknown) => Flow.defineFlow({ name: "shop", initial: "Start", transitions, data: data as never })
const standard = (validate: (value: unknown) => unknown) => ({ "~standard": { version: 1, vendor: "test", validate } })
const merge = (schema: unknown, before: object | null, patch: object, maxBytes = 65_536) =>
  DataSchema.make(schema as DataSchema.AnySchema)
    .limitedTo(maxBytes)
    .merge(before as never, patch as never)

const address = { email: "a@b.example", items: [{ quantity: 2 }] }

const schemas: ReadonlyArray<readonly [name: string, schema: unknown]> = [
  [
    "effect/Schema",
    Schema.Struct({
      email: Schema.String,
      items: Schema.Array(Schema.Struct({ quantity: Schema.NumberFromString.pipe(Schema.compose(Schema.Int)) }))
    })
  ],
  ["Schema.standardSchemaV1", Schema.standardSchemaV1(Schema.Struct({ email: Schema.String }))],
  ["zod", z.object({ email: z.string(), items: z.array(z.object({ quantity: z.number().int() })).optional() })]
]

describe("DataSchema: schemas", () => {
  it("effect/Schema itself: what it accepts is kept, not what it makes of it", () => {
    const [, schema] = schemas[0]!
    const data = { email: "a", items: [{ quantity: "2" }] }
    assert.deepStrictEqual(merge(schema, null, data), { data })
    assert.deepStrictEqual(merge(schema, null, address), { reason: "DATA_MISMATCH", paths: ["/items/0/quantity"] })
  })

  it("effect/Schema through standardSchemaV1, and zod", () => {
    for (const [, schema] of schemas.slice(1)) {
      assert.deepStrictEqual(merge(schema, null, address), { data: address })
      assert.deepStrictEqual(merge(schema, null, { email: 7 }), { reason: "DATA_MISMATCH", paths: ["/email"] })
    }
    const [, zod] = schemas[2]!
    assert.deepStrictEqual(merge(zod, address, { items: [{ quantity: 1.5 }] }), {
      reason: "DATA_MISMATCH",
      paths: ["/items/0/quantity"]
    })
    assert.deepStrictEqual(merge(zod, address, { items: null }), { data: { email: "a@b.example" } })
  })

  it("zod with defaults and transforms: the input is kept", () => {
    const schema = z.object({ email: z.string().transform((text) => text.length), tier: z.string().default("free") })
    assert.deepStrictEqual(merge(schema, null, { email: "a" }), { data: { email: "a" } })
  })

  it("a schema that answers with a Promise is refused where the flow is defined", () => {
    const asynchronous = [
      standard(async () => ({ value: 1 })),
      standard(async () => {
        throw new Error("late")
      }),
      z.object({}).refine(async () => true),
      Schema.Struct({}).pipe(Schema.filterEffect(() => Effect.promise(async () => true)))
    ]
    for (const schema of asynchronous)
      assert.throws(() => flowOf(schema), /^flow shop: data must be a schema that answers/)
  })

  it("what is no schema is refused where the flow is defined", () => {
    const wrong = [
      null,
      1,
      "x",
      {},
      [],
      () => 1,
      { "~standard": null },
      { "~standard": { version: 2, validate: () => 1 } }
    ]
    for (const schema of [...wrong, { "~standard": { version: 1 } }])
      assert.throws(() => flowOf(schema), /^flow shop: data must be a Standard Schema/)
  })

  it("a flow without data has none, and keeps its schema through withTasks and compile", () => {
    assert.isNull(Flow.defineFlow({ name: "shop", initial: "Start", transitions }).data)
    const flow = Flow.withTasks(flowOf(schemas[2]![1]), { Start: {} })
    assert.instanceOf(flow.data, DataSchema.DataSchema)
    assert.strictEqual(Flow.compile(flow, 100).data?.maxBytes, 100)
  })
})

describe("DataSchema: answers", () => {
  it("a schema that throws, answers with a Promise later, or with nonsense, fails the check", () => {
    let calls = 0
    const later = standard((value) => (calls++ === 0 ? { value } : Promise.reject(new Error("late"))))
    assert.deepStrictEqual(merge(later, null, {}), { reason: "SCHEMA_FAILED", paths: [] })
    const throws = standard(() => {
      throw new Error("secret")
    })
    assert.deepStrictEqual(merge(throws, null, {}), { reason: "SCHEMA_FAILED", paths: [] })
    for (const answer of [undefined, null])
      assert.deepInclude(
        merge(
          standard(() => answer),
          null,
          {}
        ),
        { paths: [] }
      )
  })

  it("a schema that changes what it is given changes nothing", () => {
    const meddling = standard((value) => {
      ;(value as { email?: string }).email = "changed"
      ;((value as { items: Array<unknown> }).items ?? []).push("changed")
      return { value }
    })
    const before = { email: "a", items: [1] }
    assert.deepStrictEqual(merge(meddling, before, { tier: "free" }), {
      data: { email: "a", items: [1], tier: "free" }
    })
    assert.deepStrictEqual(before, { email: "a", items: [1] })
  })

  it("names paths only: bounded in number and length, and no sentence of the schema", () => {
    const issues = Array.from({ length: 1_000 }, (_, index) => ({
      message: "secret",
      path: ["a", { key: index }, "x".repeat(1_000), Symbol("s")]
    }))
    const { paths } = merge(
      standard(() => ({ issues })),
      null,
      { a: 1 }
    ) as DataSchema.DataFault
    assert.strictEqual(paths.length, DataSchema.shownPaths)
    for (const path of paths) assert.isAtMost(path.length, 200)
    assert.notInclude(JSON.stringify(paths), "secret")
    assert.deepStrictEqual(
      merge(
        standard(() => ({ issues: [{ message: "m" }, {}, null] })),
        null,
        {}
      ),
      {
        reason: "DATA_MISMATCH",
        paths: [""]
      }
    )
  })

  it("an infinite list of issues, or an issue that cannot be read, ends", () => {
    const endless = {
      *[Symbol.iterator]() {
        for (let index = 0; ; index++) yield { path: [index] }
      }
    }
    assert.strictEqual(
      (
        merge(
          standard(() => ({ issues: endless })),
          null,
          {}
        ) as DataSchema.DataFault
      ).paths.length,
      16
    )
    const unreadable = {
      get path() {
        throw new Error("secret")
      }
    }
    assert.deepInclude(
      merge(
        standard(() => ({ issues: [unreadable] })),
        null,
        {}
      ),
      { reason: "SCHEMA_FAILED" }
    )
  })

  it("bounds the merged value in bytes and the patch as well", () => {
    const open = standard((value) => ({ value }))
    assert.deepStrictEqual(merge(open, { a: "x" }, { b: "y" }, 17), { data: { a: "x", b: "y" } })
    assert.deepStrictEqual(merge(open, { a: "x" }, { b: "y" }, 16), { reason: "DATA_TOO_LARGE", paths: [] })
    assert.deepStrictEqual(merge(open, { a: "ä" }, { b: "y" }, 17), { reason: "DATA_TOO_LARGE", paths: [] })
    assert.deepStrictEqual(merge(open, { a: "x" }, { a: null, bbbbbbbbbb: null }, 20), {
      reason: "DATA_TOO_LARGE",
      paths: []
    })
  })
})
