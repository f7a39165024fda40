"""The API for other systems, all of it under /v1. Its errors are problem details."""

from typing import Any, Final

from onboarding.web import (
    api_aggregators,
    api_chart,
    api_clients,
    api_connections,
    api_developer,
    api_disclosures,
    api_due,
    api_events,
    api_inbound,
    api_keys,
    api_list,
    api_onboardings,
    api_operations,
    api_overseen,
    api_secrets,
    api_sellers,
    api_webhooks,
    api_whoami,
)
from onboarding.web.parts import Part
from onboarding.web.problems import MEDIA_TYPE, Problem

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A refusal, as problem details (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
}

router = Part("/v1/", prefix="/v1", responses=_ERRORS)
router.include_router(api_onboardings.router)
router.include_router(api_list.router)
router.include_router(api_due.router)
router.include_router(api_clients.router)
router.include_router(api_secrets.router)
router.include_router(api_keys.router)
router.include_router(api_connections.router)
router.include_router(api_sellers.router)
router.include_router(api_developer.router)
router.include_router(api_whoami.router)
router.include_router(api_chart.router)
router.include_router(api_events.router)
router.include_router(api_events.overseen)
router.include_router(api_webhooks.router)
router.include_router(api_inbound.router)
router.include_router(api_disclosures.router)
router.include_router(api_aggregators.router)
router.include_router(api_operations.router)
router.include_router(api_overseen.router)
