"""What a program may do that an image gives capabilities: https://man7.org/linux/man-pages/man7/capabilities.7.html."""

from __future__ import annotations

import tarfile

CAPABILITY_HEADER = "SCHILY.xattr.security.capability"


def permitted_capabilities(member: tarfile.TarInfo) -> int:
    """Return the permitted capabilities of the kernel's struct vfs_cap_data, which has them in two halves of 32 bits.

    A tar keeps the bytes of an extended attribute as if they were UTF-8.
    https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h
    """
    data = member.pax_headers.get(CAPABILITY_HEADER, "").encode("utf-8", "surrogateescape")
    return int.from_bytes(data[4:8], "little") | int.from_bytes(data[12:16], "little") << 32
