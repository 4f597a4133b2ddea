/** Facts: where a session is, whose it is, and since when. */
import type { ComponentChildren } from "preact"
import type { Inspected } from "./Contract.js"
import { Ago } from "./Times.js"

interface FactOf {
  readonly name: string
  /** It is an id, which needs more room. */
  readonly isLong?: boolean
  readonly children: ComponentChildren
}

/** A fact with its name. */
export const Fact = ({ children, isLong, name }: FactOf) => (
  <div class={isLong === true ? "long" : undefined}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

/** The facts of a session. */
export const Facts = ({ inspected: { session } }: { readonly inspected: Inspected }) => {
  const { accountId, createdAt, expiresAt, id, nextState, orderId, ownerId, state, storeId, updatedAt, version } =
    session
  return (
    <dl class="facts">
      <Fact name="State">
        <strong>{state}</strong>
        {nextState !== null && ` → ${nextState}`}
      </Fact>
      <Fact name="Version">{version}</Fact>
      <Fact name="Changed">
        <Ago at={updatedAt} />
      </Fact>
      <Fact name="Opened">
        <Ago at={createdAt} />
      </Fact>
      {expiresAt !== null && !session.isArchived && (
        <Fact name="Expires">
          <Ago at={expiresAt} />
        </Fact>
      )}
      {orderId !== null && (
        <Fact name="Order">
          <code>{orderId}</code>
        </Fact>
      )}
      <Fact name="Owner">{ownerId}</Fact>
      <Fact name="Account">{accountId}</Fact>
      <Fact name="Store">{storeId}</Fact>
      <Fact name="Session" isLong>
        <code>{id}</code>
      </Fact>
    </dl>
  )
}
