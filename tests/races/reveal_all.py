"""A process that reveals every secret it can: `reveal_all.py DATABASE_URL KEYS_FOLDER < ids`."""

import sys
import time
from hashlib import sha256
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[2]))

from onboarding import credentials, db
from onboarding.access import Actor
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed
from onboarding.sealing import read_keyring

url, keys = sys.argv[1:]
db.connect(url)
ring = read_keyring(Path(keys))
sys.stdout.write("ready\n")
sys.stdout.flush()
# All of them at once: the first line must not give the first process a start.
for name in sys.stdin.read().split():
    try:
        with transaction() as session:
            shown = credentials.reveal(session, UUID(name), Actor("seller", "racer"), ring)
    except EventNotAllowed:
        continue
    seen = sha256(shown.secret.get_secret_value().encode()).hexdigest()
    sys.stdout.write(f"{name} {seen}\n")
    # Waiting for SQLite is no queue: whoever never pauses has it to himself.
    time.sleep(0.002)
