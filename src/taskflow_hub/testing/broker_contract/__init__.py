"""What every broker must do, as tests. Subclass it and say how your broker is opened:

    from taskflow_hub.testing.broker_contract import BrokerContract, OpenBroker

    class TestMyBroker(BrokerContract):
        @pytest.fixture
        def open_broker(self) -> OpenBroker:
            return my_open_broker            # async with my_open_broker() as transport: …

A transport gives the engine's face and as many workers' faces as are asked for, over the same, at first empty, broker; the
suite closes the workers' faces. A broker that can lose everything also passes LossesContract.
Needs pytest and pytest-asyncio (`asyncio_mode = "auto"`).
"""

import pytest

# So that a failure shows values; before the parts are imported.
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("calls", "inboxes", "kit", "losses", "reports"))
)

from taskflow_hub.testing.broker_contract.calls import CallsContract  # noqa: E402
from taskflow_hub.testing.broker_contract.inboxes import InboxesContract  # noqa: E402
from taskflow_hub.testing.broker_contract.kit import (  # noqa: E402
    LONG_S,
    OpenBroker,
    Transport,
    assignment,
    succeeded,
)
from taskflow_hub.testing.broker_contract.losses import LossesContract  # noqa: E402
from taskflow_hub.testing.broker_contract.reports import ReportsContract  # noqa: E402

__all__ = [
    "LONG_S", "BrokerContract", "LossesContract", "OpenBroker", "Transport", "assignment", "succeeded",
]  # fmt: skip


class BrokerContract(InboxesContract, ReportsContract, CallsContract):
    """Everything."""
