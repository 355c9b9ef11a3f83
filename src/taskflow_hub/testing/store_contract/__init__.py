"""What every store must do, as tests. Subclass the whole, or a part, and say how your store is opened:

    from taskflow_hub.testing.store_contract import OpenStore, StoreContract

    class TestMyStore(StoreContract):
        @pytest.fixture
        def open_store(self, tmp_path) -> OpenStore:
            return lambda clock: MyStore.open(f"my://{tmp_path}/db", clock=clock)

Each call of `open_store` opens one more handle on the same, at first empty, database, as another process would; the suite
closes what it opens. All times come from the clock it is given. Needs pytest and pytest-asyncio (`asyncio_mode = "auto"`).
"""

import pytest

# So that a failure shows values; before the parts are imported.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{part}"
        for part in (
            "access",
            "attempts",
            "audit",
            "company",
            "explain",
            "keys",
            "kit",
            "leasing",
            "lifecycle",
            "limit_admin",
            "limits",
            "operators",
            "order",
            "quotas",
            "reading",
            "secret_fields",
            "submitting",
            "upkeep",
            "walks",
            "workers",
        )
    )
)

from taskflow_hub.testing.store_contract.access import AccessContract  # noqa: E402
from taskflow_hub.testing.store_contract.attempts import AttemptsContract  # noqa: E402
from taskflow_hub.testing.store_contract.audit import AuditContract  # noqa: E402
from taskflow_hub.testing.store_contract.company import CompanyContract  # noqa: E402
from taskflow_hub.testing.store_contract.explain import ExplainContract  # noqa: E402
from taskflow_hub.testing.store_contract.keys import KeysContract  # noqa: E402
from taskflow_hub.testing.store_contract.kit import ManualClock, OpenStore  # noqa: E402
from taskflow_hub.testing.store_contract.leasing import LeasingContract  # noqa: E402
from taskflow_hub.testing.store_contract.lifecycle import LifecycleContract  # noqa: E402
from taskflow_hub.testing.store_contract.limit_admin import LimitAdminContract  # noqa: E402
from taskflow_hub.testing.store_contract.limits import LimitsContract  # noqa: E402
from taskflow_hub.testing.store_contract.operators import OperatorsContract  # noqa: E402
from taskflow_hub.testing.store_contract.order import OrderContract  # noqa: E402
from taskflow_hub.testing.store_contract.quotas import QuotasContract  # noqa: E402
from taskflow_hub.testing.store_contract.reading import ReadingContract  # noqa: E402
from taskflow_hub.testing.store_contract.secret_fields import SecretFieldsContract  # noqa: E402
from taskflow_hub.testing.store_contract.submitting import SubmittingContract  # noqa: E402
from taskflow_hub.testing.store_contract.turns import TurnsContract  # noqa: E402
from taskflow_hub.testing.store_contract.upkeep import UpkeepContract  # noqa: E402
from taskflow_hub.testing.store_contract.walks import WalksContract  # noqa: E402
from taskflow_hub.testing.store_contract.workers import WorkersContract  # noqa: E402

__all__ = ["ManualClock", "OpenStore", "StoreContract"]


class StoreContract(
    LifecycleContract,
    AttemptsContract,
    SubmittingContract,
    KeysContract,
    OrderContract,
    LeasingContract,
    LimitsContract,
    LimitAdminContract,
    TurnsContract,
    QuotasContract,
    WorkersContract,
    OperatorsContract,
    ReadingContract,
    SecretFieldsContract,
    ExplainContract,
    AccessContract,
    AuditContract,
    UpkeepContract,
    CompanyContract,
    WalksContract,
):
    """Everything."""
