"""Errors name a fact; what HTTP makes of each kind stands in one table, `services/api/errors.py`."""


class HuifangError(Exception):
    """Anything a caller did or met that we have a sentence for."""

    code = "error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (self.__doc__ or "").strip().splitlines()[0])


class SettingsInvalid(HuifangError):
    """A setting is missing or malformed; the process does not start."""

    code = "settings_invalid"


class NotFound(HuifangError):
    """There is nothing of that name that the caller may know of."""

    code = "not_found"


class Conflict(HuifangError):
    """The state of the thing does not allow this."""

    code = "conflict"


class Invalid(HuifangError):
    """The request is understood and wrong; `pointer` is the JSON pointer of the field at fault."""

    code = "invalid"

    def __init__(self, detail: str = "", pointer: str = "") -> None:
        super().__init__(detail)
        self.pointer = pointer


class Forbidden(HuifangError):
    """The caller is known and may not do this."""

    code = "forbidden"
