"""Cuts PostgreSQL's errors down to their first sentence: what follows tells the row's values, which nobody may log.

Codes and names of constraints stay, for whoever asks the error for them.
"""

import psycopg
from sqlalchemy.engine import ExceptionContext


def cut(error: psycopg.Error) -> None:
    """Before SQLAlchemy's error is made of it. What did not come from a server stays as it is."""
    if error.diag.message_primary:
        error.args = (error.diag.message_primary,)


def cut_both(context: ExceptionContext) -> None:
    """Once SQLAlchemy's is made: a traceback has both."""
    error, told = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error):
        said = str(error)
        cut(error)
        if told:
            told.args = (str(told.args[0]).replace(said, str(error)),)
