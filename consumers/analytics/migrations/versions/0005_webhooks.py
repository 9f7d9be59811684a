"""Messages that rules send to receivers: an outbox, and the record of what became of them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE analytics.webhooks (
    event_id uuid PRIMARY KEY,
    topic text NOT NULL,
    partition integer NOT NULL,
    stream_id text NOT NULL,
    rule text NOT NULL,
    body bytea NOT NULL,
    started_at timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    queued_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL,
    first_tried_at timestamptz,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    failed_at timestamptz,
    expired_at timestamptz,
    last_error text
);
COMMENT ON TABLE analytics.webhooks IS
    'What rules that fired tell their receivers, at least once; kept for 30 days after it was settled.';
COMMENT ON COLUMN analytics.webhooks.event_id IS 'The event that is told, and the message''s webhook-id.';
COMMENT ON COLUMN analytics.webhooks.rule IS 'The rule''s name; where it sends to is in the file of rules alone.';
COMMENT ON COLUMN analytics.webhooks.body IS 'What is sent and signed, byte for byte.';
COMMENT ON COLUMN analytics.webhooks.started_at IS 'When what the rule waited for began (event time).';
COMMENT ON COLUMN analytics.webhooks.made_at IS 'When the rule fired (event time).';
COMMENT ON COLUMN analytics.webhooks.queued_at IS 'When it was saved to be sent.';
COMMENT ON COLUMN analytics.webhooks.attempts IS 'How often it was sent, or is being sent.';
COMMENT ON COLUMN analytics.webhooks.first_tried_at IS
    'From then on it is tried for as long as webhook.retry.timeout.ms.';
COMMENT ON COLUMN analytics.webhooks.next_attempt_at IS
    'Not to be tried before; null: at once. While it is being sent, when it is due again should the courier die.';
COMMENT ON COLUMN analytics.webhooks.delivered_at IS 'When its receiver answered 2xx.';
COMMENT ON COLUMN analytics.webhooks.failed_at IS 'When it was given up.';
COMMENT ON COLUMN analytics.webhooks.expired_at IS 'When it could be sent and was too old for its rule.';
COMMENT ON COLUMN analytics.webhooks.last_error IS 'What came of the last attempt that was not taken.';
CREATE INDEX webhooks_to_send ON analytics.webhooks (rule, next_attempt_at NULLS FIRST, queued_at)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND expired_at IS NULL;
CREATE INDEX webhooks_settled ON analytics.webhooks ((coalesce(delivered_at, failed_at, expired_at)));
CREATE INDEX webhooks_of_stream ON analytics.webhooks (stream_id);

CREATE VIEW webhook_deliveries AS
SELECT
    stream_id,
    rule,
    CASE
        WHEN delivered_at IS NOT NULL THEN 'delivered'
        WHEN failed_at IS NOT NULL THEN 'failed'
        WHEN expired_at IS NOT NULL THEN 'expired'
        ELSE 'pending'
    END AS state,
    started_at,
    made_at,
    queued_at,
    attempts,
    next_attempt_at,
    delivered_at,
    failed_at,
    expired_at,
    last_error,
    convert_from(body, 'UTF8')::jsonb AS body,
    topic AS source_topic,
    partition AS source_partition,
    event_id
FROM analytics.webhooks;
COMMENT ON VIEW webhook_deliveries IS 'What rules told their receivers, and what became of it.';
COMMENT ON COLUMN webhook_deliveries.rule IS 'The name of the rule that fired.';
COMMENT ON COLUMN webhook_deliveries.state IS
    'pending, delivered (answered 2xx), failed (given up) or expired (too old for its rule).';
COMMENT ON COLUMN webhook_deliveries.started_at IS 'When what the rule waited for began (event time).';
COMMENT ON COLUMN webhook_deliveries.made_at IS 'When the rule fired (event time).';
COMMENT ON COLUMN webhook_deliveries.queued_at IS 'When it was saved to be sent.';
COMMENT ON COLUMN webhook_deliveries.attempts IS 'How often it was sent.';
COMMENT ON COLUMN webhook_deliveries.next_attempt_at IS 'When it is tried again; null: at once, or not any more.';
COMMENT ON COLUMN webhook_deliveries.last_error IS 'What came of the last attempt that was not taken.';
COMMENT ON COLUMN webhook_deliveries.body IS 'What is sent.';
COMMENT ON COLUMN webhook_deliveries.event_id IS 'The event''s id, and the message''s webhook-id.';
"""

_DOWNGRADE = """
DROP VIEW webhook_deliveries;
DROP TABLE analytics.webhooks;
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
