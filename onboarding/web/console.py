"""The operators' pages, put together."""

from fastapi import Depends

from onboarding.web import (
    console_actions,
    console_as_seller,
    console_audit,
    console_bulk,
    console_causes,
    console_detail,
    console_entry,
    console_export,
    console_inbound,
    console_list,
    console_live,
    console_machine,
    console_overview,
    console_reports,
    console_shortcuts,
    console_sign_in,
    console_undo,
    console_unmask,
    console_view_alerts,
    console_views,
    console_webhook_actions,
    console_webhooks,
)
from onboarding.web.parts import Part
from onboarding.web.wizard_frame import our_language

router = Part("(/[^/]+)?/console(/|$)", include_in_schema=False)
router.include_router(console_overview.entrance)
router.include_router(console_entry.entrance)
router.include_router(console_sign_in.callback)
for part in (
    console_entry,
    console_sign_in,
    console_overview,
    console_causes,
    console_live,
    console_list,
    console_bulk,
    console_machine,
    console_reports,
    console_shortcuts,
    console_export,
    console_views,
    console_view_alerts,
    console_webhooks,
    console_webhook_actions,
    console_inbound,
    console_undo,
    console_detail,
    console_unmask,
    console_as_seller,
    # The last: what follows an onboarding's reference is an action, if nothing else.
    console_actions,
    console_audit,
):
    router.include_router(part.router, dependencies=[Depends(our_language)])
