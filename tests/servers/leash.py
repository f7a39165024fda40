"""Becomes another program, which the kernel ends when its parent ends, even by kill -9.

Run as `python leash.py SIGNAL PARENT USER PROGRAM [ARGUMENT]…`; an empty USER stays who we are. It
is a script and not a `preexec_fn`, because Python code between fork and exec can deadlock where
threads run. Only Linux has such a leash; elsewhere the program starts without one.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(signal: int, parent: int, user: str, program: list[str]) -> None:
    if user:
        become(user)
    # Changing the user drops the leash, so it is put on afterwards.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
    # A parent that ended before the leash was on will never pull it.
    if os.getppid() != parent:
        sys.exit(f"{program[0]} was not started: its parent has ended.")
    os.execv(program[0], program)


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
