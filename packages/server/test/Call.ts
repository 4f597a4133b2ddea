/** One request through fetch, and its answer as it came. */

/** `token` null: none. A `body` is sent as JSON. */
export const call = async (
  url: string,
  token: string | null,
  method: string,
  path: string,
  body?: object,
  more = {}
) => {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...more
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const { date: _, ...headers } = Object.fromEntries(response.headers)
  const text = await response.text()
  return { status: response.status, headers, text, body: text.startsWith("{") ? JSON.parse(text) : null }
}
