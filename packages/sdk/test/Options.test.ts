import { assert, describe, it } from "@effect/vitest"
import { Caller, Onelane } from "@onelane/sdk"

describe("options", () => {
  it("refuses options that are none, by name and without showing what they were", async () => {
    const whyNot = (given: object | undefined) => Onelane.open(given as { readonly storage: string }).then(fail, String)
    const fail = () => "it opened"
    const storage = ":memory:"
    assert.match(await whyNot(undefined), /^TypeError: Onelane.open: an object is missing/)
    assert.match(await whyNot({}), /storage must be ":memory:", the path of a file, or postgres:/)
    assert.match(await whyNot({ storage, flwo: "b2b" }), /there is no flwo; there are storage, /)
    assert.match(await whyNot({ storage, expiresInMillis: "5" }), /expiresInMillis must be a whole number from 1 to /)
    assert.match(
      await whyNot({ storage, retry: { limit: Number.NaN } }),
      /retry.limit must be a whole number from 0 to /
    )
    assert.match(await whyNot({ storage, retry: 8 }), /retry must be an object with limit, a whole/)
    assert.match(await whyNot({ storage, retry: { limits: 1 } }), /there is no retry.limits; there are limit, /)
    assert.match(await whyNot({ storage, access: {} }), /access must be an object with mayInvoke\(\) and rights\(\)/)
    assert.match(await whyNot({ storage, flow: {} }), /flow must be the name of a preset/)
    const token = "secret secret"
    const connected = await Onelane.connect({ url: "http://127.0.0.1", token }).then(fail, String)
    assert.strictEqual(
      connected,
      "TypeError: Onelane.connect: token must be text of printable ASCII without spaces, or a function that gives it"
    )
    for (const url of ["checkout.example", "ftp://checkout.example"])
      assert.match(await Onelane.connect({ url, token: "t" }).then(fail, String), /url must be an http or https URL/)
  })

  it("speaks for nobody who is no caller", async () => {
    await using checkout = await Onelane.open({ storage: ":memory:" })
    const as = (caller: object) => () => checkout.as(caller as Caller.Caller)
    assert.throws(as({ userId: "ann" }), "as: roles must be a list of ")
    assert.throws(as({ ...Caller.host, roles: ["admin"] }), "as: roles must be a list of ")
    assert.throws(as({ ...Caller.host, userId: "" }), "as: userId must be text")
  })
})

describe("a mistyped storage", () => {
  it("is not shown with its password", async () => {
    const mistyped = await Onelane.open({ storage: "/none/postgres:/user:secret@host" }).then(String, String)
    assert.include(mistyped, "does not exist")
    assert.notInclude(mistyped, "secret")
  })
})
