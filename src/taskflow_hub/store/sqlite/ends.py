"""A finish, with what follows from it in workflows."""

from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.advance import Advance
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.sqlite.advance import Answering
from taskflow_hub.store.sqlite.part import move_over
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Transaction
from taskflow_hub.store.tree import Tree

ENDED: Final = statement("only/ended")


def finish(tx: Transaction, *, failed: bool = False) -> None:
    """Move every task that has ended in this transaction to the finished (`failed`: some may have failed); and do what its end
    makes of its workflow.

    The lock that the protocol asks for is the one on the file.
    """
    ended = tx.document(list[tuple[str, State]], ENDED)
    move_over(tx, failed=failed)
    if ended:
        Answering(tx).all_of(Advance(Tree(PLANS)).ended(dict(ended)))
