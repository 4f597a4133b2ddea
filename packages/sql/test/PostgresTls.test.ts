/** A connection that is encrypted, and sure of whom it talks to: what the url asks for is what is had. */
import { writeFileSync } from "node:fs"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as PostgresClient from "@onelane/sql/PostgresClient"
import { Context, Effect, Schedule } from "effect"
import * as Postgres from "./Postgres.js"
import { temporaryFile } from "./TemporaryFile.js"

const postgres = Postgres.forThisFile()

/** Made for this test alone: 127.0.0.1 and localhost, valid for a hundred years. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUGaV0cCFEWI4aG0/SAkTSKFB/1bswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNTIzNTY1NloYDzIxMjYxMTAx
MjM1NjU2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQDr/5ZQqgRVfId0EJ3xRxy6QF4hGeb7HMwio/91rh4cUjRiE+UPVgI
/1sUid3CbcfGgOCvbuaASAxkz9K+7owWo28wbTAdBgNVHQ4EFgQUtwB/IAVdnTit
8GnowtFFBb6/vJkwHwYDVR0jBBgwFoAUtwB/IAVdnTit8GnowtFFBb6/vJkwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAN7/tromd/xvdGCehlpsJMUzZiQ9HW22qx/GMYGCz84zAiEA
gPfjqv8ud4Y9CsXAebyATBtYFarwGgw6SvkT5wORsQw=
-----END CERTIFICATE-----`

const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrFn9FHKV7NvuoLYr
D0mE0fKjT80i/QCfo8eW4Agv/nyhRANCAAQDr/5ZQqgRVfId0EJ3xRxy6QF4hGeb
7HMwio/91rh4cUjRiE+UPVgI/1sUid3CbcfGgOCvbuaASAxkz9K+7owW
-----END PRIVATE KEY-----`

/** Has the server write a file into its directory, readable by nobody else. */
const write = (name: string, text: string) =>
  `COPY (SELECT unnest(string_to_array('${text}', E'\\n'))) TO PROGRAM 'umask 077; cat > ${name}'`

const withTls = Effect.gen(function* () {
  const { makePlace, query } = yield* postgres
  yield* query(write("server.crt", certificate))
  yield* query(write("server.key", key))
  yield* query("ALTER SYSTEM SET ssl = on")
  yield* query("SELECT pg_reload_conf()")
  return yield* makePlace
})

const encrypted = (url: string) =>
  Effect.scoped(
    Effect.flatMap(
      PostgresClient.make({ url }),
      (client) =>
        Context.get(client, SqlClient)<{
          readonly ssl: boolean
        }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`
    )
  ).pipe(Effect.map(([row]) => row!.ssl))

describe("PostgresClient with TLS", () => {
  it.scopedLive("verify-full is encrypted and checks the server's certificate; without a mode nothing is", () =>
    Effect.gen(function* () {
      const url = yield* withTls
      const authority = yield* temporaryFile
      writeFileSync(authority, certificate)
      // The server takes the new settings a moment later.
      const sure = yield* Effect.retry(
        encrypted(`${url}&sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`),
        Schedule.compose(Schedule.spaced(100), Schedule.recurs(100))
      )
      assert.isTrue(sure)
      assert.isTrue(yield* encrypted(`${url}&sslmode=no-verify`))
      assert.isFalse(yield* encrypted(url))
      const unknown = yield* Effect.flip(encrypted(`${url}&sslmode=verify-full`))
      assert.deepInclude(unknown, { _tag: "DatabaseRefused", reason: "CANNOT_OPEN" })
    })
  )
})
