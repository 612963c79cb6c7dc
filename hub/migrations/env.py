"""What Alembic runs for a migration: on the store's connection, inside its transaction."""

from alembic import context

from hub.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot ALTER most things in place
)
with context.begin_transaction():
    context.run_migrations()
