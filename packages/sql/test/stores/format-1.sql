PRAGMA application_id = 827089262;
--
CREATE TABLE "onelane_migrations" (
  migration_id integer PRIMARY KEY NOT NULL,
  created_at datetime NOT NULL DEFAULT current_timestamp,
  name VARCHAR(255) NOT NULL
);
--
CREATE TABLE journal_state (
    kind text NOT NULL,
    id text NOT NULL,
    sequence bigint NOT NULL,
    state text NOT NULL,
    alarm_millis bigint,
    PRIMARY KEY (kind, id)
  );
--
CREATE INDEX journal_state_alarm ON journal_state (kind, alarm_millis, id) WHERE alarm_millis IS NOT NULL;
--
CREATE TABLE journal_events (
    kind text NOT NULL,
    id text NOT NULL,
    sequence bigint NOT NULL,
    events text NOT NULL,
    PRIMARY KEY (kind, id, sequence)
  );
--
CREATE TABLE journal_keys (
    kind text NOT NULL,
    id text NOT NULL,
    digest text NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (kind, id, digest)
  ) WITHOUT ROWID;
--
CREATE TABLE store_format (format bigint NOT NULL);
--
CREATE VIEW journal_append (position, kind, id, expected, sequence, state, alarm_millis, events, records) AS
      SELECT 0, kind, id, sequence, sequence, state, alarm_millis, '[]', NULL FROM journal_state;
--
CREATE TRIGGER journal_append_records INSTEAD OF INSERT ON journal_append WHEN NEW.records IS NOT NULL BEGIN
      INSERT INTO journal_keys (kind, id, digest, sequence)
        SELECT NEW.kind, NEW.id, value->>0, value->>1 FROM json_each(NEW.records);
    END;
--
CREATE TRIGGER journal_append_first INSTEAD OF INSERT ON journal_append WHEN NEW.expected = 0 BEGIN
      INSERT INTO journal_state (kind, id, sequence, state, alarm_millis)
        VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.state, NEW.alarm_millis);
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END;
--
CREATE TRIGGER journal_append_next INSTEAD OF INSERT ON journal_append WHEN NEW.expected > 0 BEGIN
      UPDATE journal_state SET sequence = NEW.sequence, state = NEW.state WHERE kind = NEW.kind AND id = NEW.id;
      UPDATE journal_state SET alarm_millis = NEW.alarm_millis
        WHERE kind = NEW.kind AND id = NEW.id AND alarm_millis IS NOT NEW.alarm_millis;
      INSERT INTO journal_events (kind, id, sequence, events) VALUES (NEW.kind, NEW.id, NEW.sequence, NEW.events);
    END;
--
CREATE TABLE users (id text PRIMARY KEY, roles text NOT NULL);
--
CREATE TABLE accounts (id text PRIMARY KEY, active boolean NOT NULL);
--
CREATE TABLE account_members (
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (account_id, user_id)
  );
--
CREATE INDEX account_members_user ON account_members (user_id);
--
CREATE TABLE stores (id text PRIMARY KEY);
--
CREATE TABLE store_members (
    store_id text NOT NULL REFERENCES stores ON DELETE CASCADE,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (store_id, account_id)
  );
--
CREATE INDEX store_members_account ON store_members (account_id);
--
CREATE TABLE carts (
    id text PRIMARY KEY,
    store_id text NOT NULL,
    account_id text NOT NULL,
    owner_id text NOT NULL,
    status text NOT NULL
  );
--
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    label text NOT NULL,
    digest text NOT NULL,
    user_id text NOT NULL,
    roles text NOT NULL,
    account_id text,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint
  );
--
INSERT INTO onelane_migrations (migration_id, created_at, name) VALUES (1, '2026-11-30 01:17:49', 'journal');
--
INSERT INTO onelane_migrations (migration_id, created_at, name) VALUES (2, '2026-11-30 01:17:49', 'directory');
--
INSERT INTO onelane_migrations (migration_id, created_at, name) VALUES (3, '2026-11-30 01:17:49', 'api_keys');
--
INSERT INTO journal_state (kind, id, sequence, state, alarm_millis) VALUES ('cart', 'cart-claimed', 1, '{"format":1,"sessionId":"cs_claimed","completed":null,"assigned":{"ownerId":"host","accountId":null,"storeId":null},"late":[]}', NULL);
--
INSERT INTO journal_state (kind, id, sequence, state, alarm_millis) VALUES ('session', 'cs_claimed', 3, '{"format":1,"session":{"id":"cs_claimed","cartId":"cart-claimed","storeId":"store","accountId":"account","ownerId":"host","state":"Shipping Address","nextState":"Inventory","isProcessing":true,"isError":false,"isArchived":false,"closedBy":null,"operationId":"op_req_1k8l0f5d1qvfqrjpeus0000003","workKey":"work_req_1k8l0f5d1qvfqrjpeus0000003","orderId":null,"version":3,"lastRequestId":"req_1k8l0f5d1qvfqrjpeus0000003","createdAt":1796001469851,"updatedAt":1796001469857,"expiresAt":null},"deadlineAt":4102444800000,"cartRevision":null,"workKeys":[{"state":"Shipping Address","key":"work_req_1k8l0f5d1qvfqrjpeus0000003"}]}', 0);
--
INSERT INTO journal_state (kind, id, sequence, state, alarm_millis) VALUES ('cart', 'cart-over', 1, '{"format":1,"sessionId":"cs_over","completed":null,"assigned":{"ownerId":"host","accountId":null,"storeId":null},"late":[]}', NULL);
--
INSERT INTO journal_state (kind, id, sequence, state, alarm_millis) VALUES ('session', 'cs_over', 2, '{"format":1,"session":{"id":"cs_over","cartId":"cart-over","storeId":"store","accountId":"account","ownerId":"host","state":"Start","nextState":null,"isProcessing":false,"isError":false,"isArchived":true,"closedBy":"CANCELLED","operationId":null,"workKey":null,"orderId":null,"version":2,"lastRequestId":null,"createdAt":1796001469862,"updatedAt":1796001469863,"expiresAt":null},"deadlineAt":null,"workKeys":[]}', NULL);
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('cart', 'cart-claimed', 1, '[{"type":"Reserved","sessionId":"cs_claimed","completed":null,"assigned":{"ownerId":"host","accountId":null,"storeId":null},"use":{"digest":"1ne42RMvYWC-uWy_BY2GYw","input":"{\"cartId\":\"cart-claimed\",\"checkoutSessionId\":\"cs_claimed\"}"},"requestId":"req_1k8l0f5c9qvfqrjpeus0000001"}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('session', 'cs_claimed', 1, '[{"type":"Opened","at":1796001469851,"by":"host","requestId":"req_1k8l0f5c9qvfqrjpeus0000001","use":{"digest":"1ne42RMvYWC-uWy_BY2GYw","input":"{\"cartId\":\"cart-claimed\",\"checkoutSessionId\":\"cs_claimed\"}"},"id":"cs_claimed","cartId":"cart-claimed","storeId":"store","accountId":"account","ownerId":"host","state":"Start","expiresAt":null}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('session', 'cs_claimed', 2, '[{"type":"Updated","archives":false,"at":1796001469854,"by":"host","requestId":"req_1k8l0f5cuqvfqrjpeus0000002","from":"Start","to":"Shipping Address","use":{"digest":"t__ri4ho-joLjKo8UiDo2-","input":"[\"Start\",\"Shipping Address\"]"},"owner":null}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('session', 'cs_claimed', 3, '[{"type":"Claimed","operationId":"op_req_1k8l0f5d1qvfqrjpeus0000003","workKey":"work_req_1k8l0f5d1qvfqrjpeus0000003","deadlineAt":4102444800000,"cartRevision":null,"at":1796001469857,"by":"host","requestId":"req_1k8l0f5d1qvfqrjpeus0000003","from":"Shipping Address","to":"Inventory","use":{"digest":"Kp1r3icbw4BqIyCrlGd6CA","input":"[\"Shipping Address\",\"Inventory\"]"},"owner":null}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('cart', 'cart-over', 1, '[{"type":"Reserved","sessionId":"cs_over","completed":null,"assigned":{"ownerId":"host","accountId":null,"storeId":null},"use":null,"requestId":"req_1k8l0f5d3qvfqrjpeus0000004"}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('session', 'cs_over', 1, '[{"type":"Opened","at":1796001469862,"by":"host","requestId":"req_1k8l0f5d3qvfqrjpeus0000004","use":null,"id":"cs_over","cartId":"cart-over","storeId":"store","accountId":"account","ownerId":"host","state":"Start","expiresAt":null}]');
--
INSERT INTO journal_events (kind, id, sequence, events) VALUES ('session', 'cs_over', 2, '[{"type":"Cancelled","at":1796001469863,"from":"Start","by":"host","requestId":"req_1k8l0f5d7qvfqrjpeus0000005","operationId":null,"workKey":null,"owner":null,"use":{"digest":"scMvwcXi_oc2Y_zGJSUEHY","input":"{\"checkoutSessionId\":\"cs_over\"}"}}]');
--
INSERT INTO journal_keys (kind, id, digest, sequence) VALUES ('cart', 'cart-claimed', '1ne42RMvYWC-uWy_BY2GYw', 1);
--
INSERT INTO journal_keys (kind, id, digest, sequence) VALUES ('session', 'cs_claimed', '1ne42RMvYWC-uWy_BY2GYw', 1);
--
INSERT INTO journal_keys (kind, id, digest, sequence) VALUES ('session', 'cs_claimed', 'Kp1r3icbw4BqIyCrlGd6CA', 3);
--
INSERT INTO journal_keys (kind, id, digest, sequence) VALUES ('session', 'cs_claimed', 't__ri4ho-joLjKo8UiDo2-', 2);
--
INSERT INTO journal_keys (kind, id, digest, sequence) VALUES ('session', 'cs_over', 'scMvwcXi_oc2Y_zGJSUEHY', 2);
--
INSERT INTO store_format (format) VALUES (1)
