/** DataView: what the host keeps in the session, and what a change did to it. */
import type { Change, JsonObject } from "./Patch.js"
import { line } from "./Patch.js"

/** The data of a session. */
export const DataView = ({ data }: { readonly data: object }) => (
  <section class="panel" aria-labelledby="data">
    <h2 id="data">Data</h2>
    <pre>{JSON.stringify(data as JsonObject, null, 2)}</pre>
  </section>
)

/** The members that one change set or removed. */
export const Changes = ({ changes }: { readonly changes: ReadonlyArray<Change> }) =>
  changes.length === 0 ? null : (
    <details class="changes">
      <summary>{changes.length === 1 ? "1 change of data" : `${changes.length} changes of data`}</summary>
      <dl>
        {changes.map(({ after, before, path }) => (
          <div key={path}>
            <dt>
              <code>{path}</code>
            </dt>
            <dd>
              {before !== undefined && <del>{line(before)}</del>}
              {before !== undefined && " "}
              {after === undefined ? "removed" : <ins>{line(after)}</ins>}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  )
