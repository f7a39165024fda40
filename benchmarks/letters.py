"""Letters to a mail server with TLS and a login, in a process of its own: one conversation for each, or for twenty.

Run by `python -m benchmarks.letters [--rounds N]`. Both in turns, so that only the ratio counts.
"""

import argparse
import logging
import multiprocessing
import os
import statistics
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID

from onboarding import mail
from onboarding.ids import new_id
from onboarding.mail import Letter
from onboarding.masking import Personal
from onboarding.settings import Settings
from tests.servers.smtp import smtp_server
from workers.turns import AT_ONCE

LETTER: Final = Letter(
    message_id=UUID(int=0),
    onboarding_id=None,
    notice="secret_ready",
    locale="en",
    to=Personal("ada@shop.example"),
    subject="Your client secret is ready",
    text="It is ready.\n" * 40,
    html="<p>It is ready.</p>\n" * 80,
)


def serve(told: Connection, folder: str) -> None:
    """A server for as long as the other end is open."""
    # It warns of its own future with each login.
    logging.disable()
    with smtp_server(Path(folder)) as server:
        told.send((server.url, str(server.certificate)))
        told.poll(None)


def hand_over(letters: int, settings: Settings, *, at_once: int) -> tuple[float, float]:
    """Seconds on the clock, and of this process's processor, for each letter."""
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(letters // at_once):
        with mail.handing_over(settings) as do:
            for _ in range(at_once):
                do(replace(LETTER, message_id=new_id()))
    return (time.perf_counter() - wall) / letters, (time.process_time() - processor) / letters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    ours, theirs = multiprocessing.Pipe()
    with TemporaryDirectory() as folder:
        server = multiprocessing.Process(target=serve, args=(theirs, folder))
        server.start()
        url, certificate = ours.recv()
        os.environ["SSL_CERT_FILE"] = certificate
        settings = Settings(smtp_url=url)
        took = {at_once: list[tuple[float, float]]() for at_once in (1, AT_ONCE)}
        for _ in range(rounds):
            for at_once, times in took.items():
                times.append(hand_over(5 * AT_ONCE, settings, at_once=at_once))
        ours.send(None)
        server.join()
    for at_once, times in took.items():
        wall, processor = (statistics.median(each) * 1000 for each in zip(*times, strict=True))
        print(f"{at_once:3} a conversation: {wall:6.2f} ms a letter, {processor:6.2f} of processor")
    ratios = [b[0] / a[0] for a, b in zip(*took.values(), strict=True)]
    print(f"{statistics.median(ratios):.2f} of the time, {min(ratios):.2f} to {max(ratios):.2f}")


if __name__ == "__main__":
    main()
