"""Shapes and movements that users teach."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UPGRADE = """
CREATE TABLE analytics.taught_gestures (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('shape', 'movement')),
    hand text NOT NULL CHECK (hand IN ('left', 'right', 'either')),
    examples jsonb NOT NULL,
    version text NOT NULL,
    taught_at timestamptz NOT NULL,
    source text NOT NULL
);
COMMENT ON TABLE analytics.taught_gestures IS
    'Shapes and movements users taught by examples; a service reads them when it is given partitions.';
COMMENT ON COLUMN analytics.taught_gestures.hand IS 'The person''s own hand that makes it; either: both are watched.';
COMMENT ON COLUMN analytics.taught_gestures.examples IS 'The examples, and how much else may differ from them.';
COMMENT ON COLUMN analytics.taught_gestures.version IS
    'taught- and the beginning of a digest of kind, hand and examples: what made_by of its findings says.';
COMMENT ON COLUMN analytics.taught_gestures.source IS 'What the examples were taken from, last first.';
"""

_DOWNGRADE = """
DROP TABLE analytics.taught_gestures;
"""


def upgrade() -> None:
    op.execute(_UPGRADE)


def downgrade() -> None:
    op.execute(_DOWNGRADE)
