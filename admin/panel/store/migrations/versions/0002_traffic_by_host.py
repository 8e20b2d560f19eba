"""Count traffic by host, and note which hosts users are not told of."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    """Change the tables; there is no way back but the copy that was made before."""
    op.create_table('drained_hosts',
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('drained_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    # What was counted so far is the only server's. SQLite, which cannot change a key, gets a new table of the old rows.
    with op.batch_alter_table('usage', naming_convention={'pk': '%(table_name)s_pkey'}) as usage:
        usage.add_column(sa.Column('host', sa.String(length=32), server_default='main', nullable=False))
        usage.drop_constraint('usage_pkey', type_='primary')
        usage.create_primary_key('usage_pkey', ['user_id', 'host', 'protocol'])
