"""The first schema.

Rules: short locks and short statements; compatible with the code that still runs while this one starts; schema moves
and data moves in separate files; a downgrade that works, or none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "board_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_board_version_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_version")),
    )
    op.create_table(
        "model",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("slug", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model")),
        sa.UniqueConstraint("name", name=op.f("uq_model_name")),
        sa.UniqueConstraint("slug", name=op.f("uq_model_slug")),
    )
    op.create_table(
        "stored_object",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_stored_object")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
    )
    op.create_table(
        "worker",
        sa.Column("executor_id", sa.String(length=120), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jobs_done", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("executor_id", name=op.f("pk_worker")),
    )
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_worker_heartbeat_at"), ["heartbeat_at"], unique=False)

    op.create_table(
        "reported_row",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("published_name", sa.String(length=120), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("source_name", sa.String(length=120), nullable=False),
        sa.Column("source_url", sa.String(length=500), nullable=True),
        sa.Column("source_date", sa.String(length=10), nullable=True),
        sa.Column("judge", sa.String(length=120), nullable=False),
        sa.Column("setting", sa.String(length=60), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=True),
        sa.Column("tokens_per_frame", sa.Integer(), nullable=True),
        sa.Column("visual_tokens", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("printed", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_reported_row_model_id_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reported_row")),
        sa.UniqueConstraint(
            "source", "published_name", "setting", name=op.f("uq_reported_row_source_published_name_setting")
        ),
    )
    with op.batch_alter_table("reported_row", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reported_row_model_id"), ["model_id"], unique=False)

    op.create_table(
        "submission",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("predictions", "run", name="submissionkind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "validated",
                "queued",
                "scoring",
                "scored",
                "published",
                "rejected",
                "failed",
                "withdrawn",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("benchmark", sa.String(length=120), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("sample_seed", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_submission_attempt")),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_submission_model_id_model")),
        sa.ForeignKeyConstraint(["token_id"], ["token.id"], name=op.f("fk_submission_token_id_token")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("content_key", name=op.f("uq_submission_content_key")),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_submission_state_queued_at"), ["state", "queued_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_submission_token_id_created_at"), ["token_id", "created_at"], unique=False)

    op.create_table(
        "run",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("verified", "reported", name="runstatus", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("judge", sa.String(length=120), nullable=False),
        sa.Column("comparable", sa.Boolean(), nullable=False),
        sa.Column("prompts", sa.String(length=120), nullable=False),
        sa.Column("benchmark", sa.String(length=120), nullable=False),
        sa.Column("benchmark_revision", sa.String(length=120), nullable=True),
        sa.Column("rank_group", sa.String(length=64), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("verification", sa.JSON(), nullable=False),
        sa.Column("worker", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name=op.f("fk_run_model_id_model")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_run_submission_id_submission")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_run_submission_id")),
    )
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_model_id"), ["model_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_run_rank_group"), ["rank_group"], unique=False)

    op.create_table(
        "submission_file",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_object.sha256"], name=op.f("fk_submission_file_sha256_stored_object")
        ),
        sa.ForeignKeyConstraint(
            ["submission_id"],
            ["submission.id"],
            name=op.f("fk_submission_file_submission_id_submission"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_file")),
        sa.UniqueConstraint("submission_id", "role", name=op.f("uq_submission_file_submission_id_role")),
    )
    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_file_sha256"), ["sha256"], unique=False)

    op.create_table(
        "transition",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "before",
            sa.Enum(
                "received",
                "validated",
                "queued",
                "scoring",
                "scored",
                "published",
                "rejected",
                "failed",
                "withdrawn",
                name="before",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.Enum(
                "received",
                "validated",
                "queued",
                "scoring",
                "scored",
                "published",
                "rejected",
                "failed",
                "withdrawn",
                name="after",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_transition_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition")),
        sa.UniqueConstraint("submission_id", "number", name=op.f("uq_transition_submission_id_number")),
    )
    op.create_table(
        "section_result",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True),
        sa.Column("reported_row_id", sa.Integer(), nullable=True),
        sa.Column("protocol", sa.String(length=20), nullable=False),
        sa.Column("section", sa.String(length=20), nullable=False),
        sa.Column("accuracy", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("accuracy_low", sa.Double(), nullable=True),
        sa.Column("accuracy_high", sa.Double(), nullable=True),
        sa.Column("score_low", sa.Double(), nullable=True),
        sa.Column("score_high", sa.Double(), nullable=True),
        sa.Column("videos", sa.Integer(), nullable=True),
        sa.Column("questions", sa.Integer(), nullable=True),
        sa.Column("unparsed", sa.Integer(), nullable=True),
        sa.Column("missing", sa.Integer(), nullable=True),
        sa.CheckConstraint("(run_id is null) <> (reported_row_id is null)", name=op.f("ck_section_result_one_owner")),
        sa.CheckConstraint("accuracy between 0 and 1", name=op.f("ck_section_result_accuracy")),
        sa.CheckConstraint("score between 0 and 5", name=op.f("ck_section_result_score")),
        sa.ForeignKeyConstraint(
            ["reported_row_id"],
            ["reported_row.id"],
            name=op.f("fk_section_result_reported_row_id_reported_row"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_section_result_run_id_run"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section_result")),
        sa.UniqueConstraint(
            "reported_row_id", "protocol", "section", name=op.f("uq_section_result_reported_row_id_protocol_section")
        ),
        sa.UniqueConstraint("run_id", "protocol", "section", name=op.f("uq_section_result_run_id_protocol_section")),
    )
    with op.batch_alter_table("section_result", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_section_result_protocol_section"), ["protocol", "section"], unique=False)

    op.create_table(
        "vote",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("voter", sa.String(length=64), nullable=False),
        sa.Column("video_id", sa.String(length=200), nullable=False),
        sa.Column("section", sa.String(length=20), nullable=False),
        sa.Column("first_run_id", sa.String(length=32), nullable=False),
        sa.Column("second_run_id", sa.String(length=32), nullable=False),
        sa.Column("choice", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("choice in ('first', 'second', 'tie')", name=op.f("ck_vote_choice")),
        sa.CheckConstraint("first_run_id < second_run_id", name=op.f("ck_vote_order")),
        sa.ForeignKeyConstraint(
            ["first_run_id"], ["run.id"], name=op.f("fk_vote_first_run_id_run"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["second_run_id"], ["run.id"], name=op.f("fk_vote_second_run_id_run"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint(
            "voter",
            "video_id",
            "section",
            "first_run_id",
            "second_run_id",
            name=op.f("uq_vote_voter_video_id_section_first_run_id_second_run_id"),
        ),
    )
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vote_first_run_id"), ["first_run_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_vote_second_run_id"), ["second_run_id"], unique=False)


def downgrade() -> None:
    """Drop every table."""
    with op.batch_alter_table("vote", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_vote_second_run_id"))
        batch_op.drop_index(batch_op.f("ix_vote_first_run_id"))

    op.drop_table("vote")
    with op.batch_alter_table("section_result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_section_result_protocol_section"))

    op.drop_table("section_result")
    op.drop_table("transition")
    with op.batch_alter_table("submission_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_file_sha256"))

    op.drop_table("submission_file")
    with op.batch_alter_table("run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_rank_group"))
        batch_op.drop_index(batch_op.f("ix_run_model_id"))

    op.drop_table("run")
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_token_id_created_at"))
        batch_op.drop_index(batch_op.f("ix_submission_state_queued_at"))
        batch_op.drop_index(batch_op.f("ix_submission_model_id"))

    op.drop_table("submission")
    with op.batch_alter_table("reported_row", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reported_row_model_id"))

    op.drop_table("reported_row")
    with op.batch_alter_table("worker", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_worker_heartbeat_at"))

    op.drop_table("worker")
    op.drop_table("token")
    op.drop_table("stored_object")
    op.drop_table("model")
    op.drop_table("board_version")
