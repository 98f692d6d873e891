"""Runs a program as on a kernel without IPv6: `socket(AF_INET6, …)` fails with EAFNOSUPPORT.

    python -m harness.without_ipv6 PROGRAM [ARGUMENT…]

A filter on one system call (seccomp), which needs no privilege and ends with the process.
"""

import ctypes
import errno
import os
import platform
import socket
import struct
import sys

# linux/bpf_common.h, linux/seccomp.h and linux/prctl.h
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER, FIRST_ARGUMENT = 0, 16
ALLOW, FAIL = 0x7FFF0000, 0x00050000
SET_NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2

SOCKET_CALL = {"x86_64": 41, "aarch64": 198}


def forbid_ipv6():
    instructions = [
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 0, 3, SOCKET_CALL[platform.machine()]),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 0, 1, socket.AF_INET6),
        (RETURN, 0, 0, FAIL | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in instructions))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    program = Program(len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in [(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0), (SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)]:
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    forbid_ipv6()
    os.execv(sys.argv[1], sys.argv[1:])
