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
            "failures",
            "firing",
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
            "schedules",
            "secret_fields",
            "steps",
            "submitting",
            "trends",
            "upkeep",
            "walks",
            "workers",
            "workflow_ends",
            "workflow_fans",
            "workflow_firing",
            "workflow_kit",
            "workflow_reads",
            "workflow_redrive",
            "workflows",
        )
    )
)

from taskflow_hub.testing.store_contract.access import AccessContract  # noqa: E402
from taskflow_hub.testing.store_contract.attempts import AttemptsContract  # noqa: E402
from taskflow_hub.testing.store_contract.audit import AuditContract  # noqa: E402
from taskflow_hub.testing.store_contract.company import CompanyContract  # noqa: E402
from taskflow_hub.testing.store_contract.explain import ExplainContract  # noqa: E402
from taskflow_hub.testing.store_contract.failures import FailuresContract  # noqa: E402
from taskflow_hub.testing.store_contract.firing import FiringContract  # noqa: E402
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
from taskflow_hub.testing.store_contract.schedules import SchedulesContract  # noqa: E402
from taskflow_hub.testing.store_contract.secret_fields import SecretFieldsContract  # noqa: E402
from taskflow_hub.testing.store_contract.steps import StepsContract  # noqa: E402
from taskflow_hub.testing.store_contract.submitting import SubmittingContract  # noqa: E402
from taskflow_hub.testing.store_contract.trends import TrendsContract  # noqa: E402
from taskflow_hub.testing.store_contract.turns import TurnsContract  # noqa: E402
from taskflow_hub.testing.store_contract.upkeep import UpkeepContract  # noqa: E402
from taskflow_hub.testing.store_contract.walks import WalksContract  # noqa: E402
from taskflow_hub.testing.store_contract.workers import WorkersContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflow_ends import WorkflowEndsContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflow_fans import WorkflowFansContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflow_firing import WorkflowFiringContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflow_reads import WorkflowReadsContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflow_redrive import WorkflowRedriveContract  # noqa: E402
from taskflow_hub.testing.store_contract.workflows import WorkflowsContract  # noqa: E402

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
    FailuresContract,
    StepsContract,
    SchedulesContract,
    FiringContract,
    WorkflowFiringContract,
    AccessContract,
    AuditContract,
    UpkeepContract,
    TrendsContract,
    CompanyContract,
    WalksContract,
    WorkflowsContract,
    WorkflowFansContract,
    WorkflowEndsContract,
    WorkflowRedriveContract,
    WorkflowReadsContract,
):
    """Everything."""
