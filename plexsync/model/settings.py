"""How the value of a setting, as Stash stores it, is read; a missing value, "" and 0 mean "not set"."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import SplitResult, urlsplit

IGNORE = "ignore"
"""Value of the certificate setting that switches the check off."""

_WEB_CLIENT = re.compile(r"/web(/index\.html)?$")
_NEVER_IN_A_HOST = frozenset('\\<>"{}|^`,;')
_PRIVATE_NAMES = (".local", ".lan", ".home", ".internal", ".localdomain", ".home.arpa", ".ts.net")


def is_unset(value: object) -> bool:
    """Whether Stash stores or shows this value for a setting that was never entered."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (int, float)) and value == 0)


def read_text(value: object) -> str:
    """Read a text and strip it; raises ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError("is not text")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError("contains broken characters")
    return value.strip()


def read_certificate(value: object) -> str:
    """Read "ignore" or the absolute path of a file; raises ValueError for anything else."""
    text = read_text(value).strip('"')
    if text.lower() == IGNORE:
        return IGNORE
    if not os.path.isabs(text) or not text.isprintable():
        raise ValueError(f'is neither the absolute path of a file nor the word "{IGNORE}"')
    return text


def read_names(value: object) -> str:
    """Read comma-separated names, as entered: a name may contain spaces."""
    return value if read_text(value).strip(", ") and isinstance(value, str) else ""


def read_filter(value: object) -> str:
    """Read a filter as typed. Any other type becomes a filter that cannot be parsed: ignoring it
    would write scenes that the user keeps out of Plex.
    """
    text = value if isinstance(value, str) else repr(value)
    return text.encode("utf-8", "replace").decode()


def read_switch(value: object) -> bool:
    """Read a switch, also as the words true and false; raises ValueError for anything else."""
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False}
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in words:
        raise ValueError("is neither on nor off")
    return words[word]


def read_number(value: object, low: int, high: int, default: int) -> int:
    """Read a whole number from `low` to `high`, also as text; `default` if 0 is out of range.

    Raises ValueError that names the range.
    """
    reason = f"is not a whole number from {low} to {high}"
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,15}\s*", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or not (value == 0 or low <= value <= high):
        raise ValueError(reason)
    return value if low == 0 else value or default


def read_choice(value: object, choices: tuple[str, ...]) -> str:
    """Read one of `choices`, ignoring case; raises ValueError that lists them."""
    word = read_text(value).lower()
    if word not in choices:
        raise ValueError(f"is none of {', '.join(choices)}")
    return word


def read_sort_pattern(value: object) -> str:
    """A text with {name} in it and no other braces; raises ValueError for anything else."""
    text = read_text(value)
    rest = text.replace("{name}", "")
    if "{" in rest or "}" in rest:
        raise ValueError("has braces other than those of {name}")
    if rest == text:
        raise ValueError("does not have {name} in it, so that all collections would sort alike")
    return text


_PASTED_AROUND = " \t\r\n\u00a0\u200b\ufeff\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"


def read_token(value: object) -> str:
    """Read a token that is valid in a header; raises ValueError, whose text never repeats it.

    What is often pasted along with it is stripped: quotes, spaces, the parameter's name, the rest
    of a URL.
    """
    token = read_text(value).strip(_PASTED_AROUND)
    named = re.search(r"X-Plex-Token=([^&#\s]*)", token, re.IGNORECASE)
    token = (named[1] if named else token).strip(_PASTED_AROUND)
    if not all("!" <= char <= "~" for char in token):
        raise ValueError("contains spaces or characters that no Plex token has")
    return token


def read_address(value: object) -> str:
    """Normalise a server's address to `scheme://host[:port][/path]` without a final slash.

    A missing scheme becomes http. Raises ValueError, never repeating the address: it may hold
    credentials.
    """
    text = read_text(value)
    if any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("contains spaces; enter an address like http://192.168.1.5:32400")
    if re.match(r"https?[:/](?!//)", text, re.IGNORECASE):
        raise ValueError("is not complete; write http:// or https:// before the host")
    url = _split(text if "://" in text else "http://" + text.lstrip("/"))
    if url.scheme not in ("http", "https"):
        raise ValueError("must begin with http:// or https://")
    if url.username is not None or url.password is not None:
        raise ValueError(
            "must not contain a user name or password; PlexSync signs in to Plex with a token"
        )
    if url.query or url.fragment or "?" in text or "#" in text:
        raise ValueError("must be the server's address alone, without a ? or # part")
    path = _WEB_CLIENT.sub("", url.path.rstrip("/"))
    return f"{url.scheme}://{url.netloc}{path}"


def sends_openly(address: str) -> bool:
    """Whether requests to this address would carry the token unencrypted over the internet."""
    url = urlsplit(address)
    host = url.hostname or ""
    if url.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_PRIVATE_NAMES)


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise ValueError("has a host or port that cannot be read") from None
    if not url.hostname or port == 0 or set(url.hostname) & _NEVER_IN_A_HOST:
        raise ValueError("names no host; enter an address like http://192.168.1.5:32400")
    return url
