"""`committing.py DATABASE_URL`: opens and cancels onboardings, and says which are durable, until it is killed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from onboarding import db, lifecycle
from onboarding.access import Actor
from onboarding.db import transaction

SELLER = Actor("seller", "committing")

db.connect(sys.argv[1])
while True:
    with transaction() as session:
        onboarding_id = lifecycle.start(session, SELLER, locale="en", rule_set="tests").id
        lifecycle.fire(session, onboarding_id, "cancel", SELLER)
    sys.stdout.write(f"{onboarding_id}\n")
    sys.stdout.flush()
