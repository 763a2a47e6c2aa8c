"""What Wine lacks and Windows has, so that a failure is PlexSync's own.

`prepare.py` puts this beside the Windows interpreter's own modules and lets `encodings`, which every
interpreter loads, import it: hooks run without `site`. Nothing else is changed there, except that
`_wmi.pyd` is removed (Wine 8 has no `propsys.VariantToString`, and ends the process) and that
`bcryptprimitives.dll` is built (see `prepare.py`).
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # hooks are tested for loading nothing slow
    from typing import Any

if sys.platform == "win32":
    import _winapi
    import msvcrt

    if hasattr(_winapi, "CopyFile2"):  # not in Wine 8, ends the process; shutil has another way
        del _winapi.CopyFile2

    _locking, _chmod = msvcrt.locking, os.chmod

    def locking(descriptor: int, mode: int, size: int) -> None:
        """Report a lock held by another process as Windows does: Wine sets no errno, so that the one
        of some earlier failure is found there.
        """
        try:
            _locking(descriptor, mode, size)
        except OSError:
            raise PermissionError(13, "Permission denied") from None

    def chmod(path: "Any", mode: int, **more: "Any") -> None:
        """Change the mode of an open file: Wine refuses that as a sharing violation."""
        try:
            _chmod(path, mode, **more)
        except PermissionError as problem:
            if problem.winerror != 32:
                raise

    msvcrt.locking, os.chmod = locking, chmod
