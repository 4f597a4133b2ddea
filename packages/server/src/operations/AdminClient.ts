/**
 * AdminClient: runs the operations of `Admin` on a running server.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Admin from "./Admin.js"
import type { Operation } from "./AdminOperation.js"

/** The server refused, or did not answer. `message` is one sentence for an operator. */
export interface AdminRefused {
  readonly _tag: "AdminRefused"
  readonly message: string
}

const refused = (message: string): AdminRefused => ({ _tag: "AdminRefused", message })

/** Timeouts, milliseconds: of an operation, and of one that reads the whole store. */
const answerMillis = 30_000
const longMillis = 3_600_000

/** Creates a client for one server and one caller. */
export const make = (options: {
  readonly url: string
  readonly token: string
}): Effect.Effect<Admin.Admin<AdminRefused>, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (http) => ({
    call: (name, input) => {
      const timeoutMillis = Admin.isLong(name) ? longMillis : answerMillis
      const { output } = Admin.operations[name] as Operation<any, any>
      const request = HttpClientRequest.post(`${options.url.replace(/\/+$/, "")}${Admin.prefix}${name}`).pipe(
        HttpClientRequest.bearerToken(options.token),
        HttpClientRequest.bodyText(JSON.stringify(input), "application/json")
      )
      return http.execute(request).pipe(
        Effect.flatMap((response) => Effect.map(response.text, (text) => ({ status: response.status, text }))),
        Effect.mapError(() => refused(`no answer from ${options.url}; does a server listen there?`)),
        Effect.timeoutFail({
          duration: timeoutMillis,
          onTimeout: () => refused(`no answer from ${options.url} within ${timeoutMillis} ms`)
        }),
        Effect.flatMap(({ status, text }) =>
          Effect.try({
            try: (): unknown => JSON.parse(text),
            catch: () => refused(`${options.url} answered ${status}, and is not an Onelane server`)
          }).pipe(
            Effect.flatMap((body) =>
              status === 200
                ? Effect.mapError(Schema.decodeUnknown(output)(body), () =>
                    refused(`${options.url} sent an answer that this release does not understand`)
                  )
                : Effect.fail(refused(detailOf(body, status)))
            )
          )
        )
      )
    }
  }))

const detailOf = (body: unknown, status: number): string =>
  typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string"
    ? body.detail
    : `the server answered ${status}`
