"""Start a program that ends when its parent ends: `python -I -S tether.py PARENT SIGNAL UID GID PROGRAM ARGUMENT…`.

A wrapper rather than a hook between fork and exec: it is safe beside threads, and the wish to be told of the parent's
death must be made after the change of user, which forgets it. Elsewhere than on Linux it only changes the user
and starts the program.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
KEEP = -1


def main(arguments: list[str]) -> None:
    """Become PROGRAM, as UID and GID unless they are -1, to be sent SIGNAL when the process PARENT ends."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
    if uid != KEEP:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            sys.exit("the parent ended before its child began")
    os.execv(arguments[4], arguments[4:])  # noqa: S606 - the command is ours, no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
