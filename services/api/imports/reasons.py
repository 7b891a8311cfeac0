"""Why a row or a cell was not taken: a stable code, and the sentence for it in Chinese and in English."""

from enum import StrEnum
from typing import Final

from shared.phones import FAULTS


class Reason(StrEnum):
    """The codes beside those of `shared.phones`; a client may rely on them."""

    REQUIRED = "required"
    NO_PHONE = "no_phone"
    TOO_LONG = "too_long"
    UNDECODABLE = "undecodable"
    NAME_INVALID = "name_invalid"
    DATE_UNREADABLE = "date_unreadable"
    DATE_IMPOSSIBLE = "date_impossible"
    DATE_OUT_OF_RANGE = "date_out_of_range"
    DATE_IN_FUTURE = "date_in_future"
    CLOSED_BEFORE_OPENED = "closed_before_opened"
    AMOUNT_UNREADABLE = "amount_unreadable"
    AMOUNT_OUT_OF_RANGE = "amount_out_of_range"
    MILEAGE_UNREADABLE = "mileage_unreadable"
    MILEAGE_OUT_OF_RANGE = "mileage_out_of_range"
    NUMBER_UNREADABLE = "number_unreadable"
    PLATE_INVALID = "plate_invalid"
    VIN_LENGTH = "vin_length"
    VIN_CHARACTERS = "vin_characters"
    VIN_CHECK_DIGIT = "vin_check_digit"
    EMAIL_INVALID = "email_invalid"
    WECHAT_INVALID = "wechat_invalid"
    WORD_UNKNOWN = "word_unknown"
    ORDER_KIND_UNKNOWN = "order_kind_unknown"
    ROLE_UNKNOWN = "role_unknown"
    SEVERAL_PEOPLE = "several_people"
    EXTRA_CELLS = "extra_cells"
    CUSTOMER_UNKNOWN = "customer_unknown"
    CUSTOMER_AMBIGUOUS = "customer_ambiguous"
    ROLES_KEPT = "roles_kept"


_WORDS: Final[dict[str, tuple[str, str]]] = {
    Reason.REQUIRED: ("必填,不能为空", "required, and empty"),
    Reason.NO_PHONE: ("没有可用的电话,已开“补全档案”任务", "no usable phone; a task to complete the file is opened"),
    Reason.TOO_LONG: ("内容太长", "too long"),
    Reason.UNDECODABLE: ("文字乱码,无法识别", "the characters cannot be decoded"),
    Reason.NAME_INVALID: ("不是姓名", "not a name"),
    Reason.DATE_UNREADABLE: ("日期格式无法识别", "not a date in any known form"),
    Reason.DATE_IMPOSSIBLE: ("日历上没有这一天", "no such day in the calendar"),
    Reason.DATE_OUT_OF_RANGE: ("年份超出合理范围", "the year is out of range"),
    Reason.DATE_IN_FUTURE: ("日期在将来", "the date lies in the future"),
    Reason.CLOSED_BEFORE_OPENED: ("早于进店时间,进店时间未采用", "before the opening time, which is left out"),
    Reason.AMOUNT_UNREADABLE: ("金额无法识别", "not an amount"),
    Reason.AMOUNT_OUT_OF_RANGE: ("金额超出合理范围", "the amount is out of range"),
    Reason.MILEAGE_UNREADABLE: ("里程无法识别", "not a mileage"),
    Reason.MILEAGE_OUT_OF_RANGE: ("里程超出合理范围", "the mileage is out of range"),
    Reason.NUMBER_UNREADABLE: ("不是数字", "not a number"),
    Reason.PLATE_INVALID: ("车牌号不正确", "not a licence plate"),
    Reason.VIN_LENGTH: ("VIN 不是 17 位", "a VIN has 17 characters"),
    Reason.VIN_CHARACTERS: ("VIN 含有不允许的字符", "a VIN has only digits and letters, without I, O, Q"),
    Reason.VIN_CHECK_DIGIT: ("VIN 校验位不符,请核对", "the VIN's check digit is wrong"),
    Reason.EMAIL_INVALID: ("邮箱格式不正确", "not an e-mail address"),
    Reason.WECHAT_INVALID: ("微信号格式不正确", "not a WeChat name"),
    Reason.WORD_UNKNOWN: ("无法识别的取值", "none of the known values"),
    Reason.ORDER_KIND_UNKNOWN: ("未知的维修类型,按“维修”处理", "an unknown kind of order, taken as a repair"),
    Reason.ROLE_UNKNOWN: ("未知的岗位", "an unknown role"),
    Reason.SEVERAL_PEOPLE: ("写了多个人,取第一个", "several people; the first is taken"),
    Reason.EXTRA_CELLS: (
        "单元格比表头多,内容可能错位(逗号未加引号?)",
        "more cells than headings; the row may be shifted (a comma without quotes?)",
    ),
    Reason.CUSTOMER_UNKNOWN: (
        "找不到这位客户,也没有姓名可以建档",
        "no such customer, and no name to make one from",
    ),
    Reason.CUSTOMER_AMBIGUOUS: ("有多位客户符合,无法确定是哪一位", "several customers fit"),
    Reason.ROLES_KEPT: ("此人已有登录账号,岗位须由管理员修改", "this person can sign in; an admin changes the roles"),
    **{fault.value: words for fault, words in FAULTS.items()},
}


def say(code: str, language: str = "zh") -> str:
    """The sentence for a code; `language` zh or en. An unknown code is its own sentence."""
    words = _WORDS.get(code)
    if words is None:
        return code
    return words[0] if language.startswith("zh") else words[1]
