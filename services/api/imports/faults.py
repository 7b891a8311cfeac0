"""Why a whole file is refused, in words a clerk can act on."""

from shared.errors import Invalid


class FileRefused(Invalid):
    """The file cannot be read; nothing of it was imported."""

    code = "file_refused"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en, "/file")
        self.zh = zh
        self.en = en

    def say(self, language: str) -> str:
        """The sentence in a language, zh or en."""
        return self.zh if language.startswith("zh") else self.en


class EmptyFile(FileRefused):
    """There is nothing in the file."""

    code = "file_empty"

    def __init__(self) -> None:
        super().__init__("文件是空的", "the file is empty")


class NoKnownHeading(FileRefused):
    """None of the first rows holds headings that we know."""

    code = "no_known_heading"

    def __init__(self, wanted: tuple[str, ...], seen: tuple[str, ...]) -> None:
        names, first = "、".join(wanted), " | ".join(seen)
        super().__init__(
            f"没有找到表头(需要:{names})。请确认表头在前几行。看到的是:{first}",
            f"no row of headings was found (needed: {names}); the first rows read: {first}",
        )


class MissingHeading(FileRefused):
    """The headings lack a required one."""

    code = "missing_heading"

    def __init__(self, missing: tuple[str, ...], seen: tuple[str, ...], line: int) -> None:
        names, there = "、".join(missing), " | ".join(seen)
        super().__init__(
            f"第 {line} 行的表头缺少:{names}。表头是:{there}",
            f"the headings in line {line} lack: {names}; they are: {there}",
        )
        self.missing = missing


class NotASpreadsheet(FileRefused):
    """The file is neither text nor a workbook."""

    code = "not_a_spreadsheet"

    def __init__(self, what_zh: str = "", what_en: str = "") -> None:
        super().__init__(
            f"这不是 CSV 或 Excel 文件{what_zh}。请在表格软件中另存为 .xlsx 或 .csv 后再导入",
            f"this is neither CSV nor Excel{what_en}; save it as .xlsx or .csv and import that",
        )


class EncryptedWorkbook(FileRefused):
    """The workbook has a password."""

    code = "workbook_encrypted"

    def __init__(self) -> None:
        super().__init__("Excel 文件有打开密码,请去掉密码后再导入", "the workbook has a password; remove it and import again")


class FileTooLarge(FileRefused):
    """The file holds more than may be imported at once."""

    code = "file_too_large"

    def __init__(self, limit: str) -> None:
        super().__init__(f"文件太大(上限 {limit}),请分成几个文件", f"the file is too large (limit {limit}); split it")
