"""The words cells hold, and what each of them means."""

from collections.abc import Mapping
from typing import Final


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _table(**meanings: str) -> Mapping[str, str]:
    return {word: meaning for meaning, text in meanings.items() for word in (meaning, *text.split())}


BLANK: Final = _set(
    "- -- --- — —— – / // \\ . .. … _ * ? ？ 无 無 空 暂无 没有 未知 不详 不明 未填 未填写 未提供 未登记 null none nil nan n/a "
    "na #n/a #value! #ref! #div/0! #name? (null) <null> (空) [空] 0000-00-00 0000/00/00"
)
NO_PLATE: Final = _set("未上牌 无牌 无牌照 新车 临牌 临时牌照 未挂牌 待上牌")

YES: Final = _set(
    "是 有 已 y yes true t 1 1.0 √ ✓ ✔ ☑ 对 同意 已投保 已上牌 已购买 已购 已办 已办理 已办妥 投保 上牌 愿意 接受 授权 已授权 "
    "在职 启用 正常 on 店内投保 自投 自行投保 本店投保 店内 代办 已保 active 有效"
)
NO: Final = _set(
    "否 没 没有 无 未 n no false f 0 0.0 x × ✗ ✘ ☐ 不 不同意 未投保 未上牌 未购买 未购 未办 未办理 不投保 不上牌 拒绝 不愿意 "
    "不接受 未授权 离职 停用 off 没投保 没上牌 未保 inactive 无效"
)
NOT_SAID: Final = _set("待定 待确认 未知 不详 不明 不清楚 unknown ? ？ - -- / 空")

GENDERS: Final = _table(
    male="男 男士 男性 先生 m man 1 mr mr.",
    female="女 女士 女性 小姐 太太 f woman 2 ms ms. mrs miss",
)
CHANNELS: Final = _table(
    phone="电话 手机 打电话 致电 来电 语音 电联 call tel telephone",
    wechat="微信 weixin 企业微信 企微",
    sms="短信 短消息 信息 text 手机短信",
    email="邮件 邮箱 电子邮件 电邮 e-mail mail",
)
OPT_OUT_CHANNELS: Final = {**CHANNELS, **_table(all="全部 所有 所有渠道 全渠道 any 任何")}
LEAD_STATES: Final = _table(
    won="成交 已成交 订车 已订车 交车 已交车 是",
    lost="战败 已战败 失败 流失 放弃 无意向",
    open="意向 跟进 跟进中 有效 潜客 潜在 在谈 未成交 新建 h a b c o n 待跟进 保有 否",
)
RENEWAL_RESULTS: Final = _table(
    renewed="已续保 续保 成功 是 已续 续保成功 yes y",
    lost="未续保 流失 失败 否 战败 脱保 他店续保 续保失败 no n",
)
ROLES: Final = _table(
    sales_consultant="销售顾问 销售员 销售 销售代表 consultant",
    insurance_specialist="保险专员 新保专员 保险顾问",
    renewal_specialist="续保专员 续保顾问",
    service_advisor="服务顾问 接待员 售后顾问 sa advisor",
    technician="技师 维修技师 机修工 钣金技师 喷漆技师 机电技师 钣金工 油漆工",
    sales_clerk="销售内勤 内勤 销售文员 文员 销售助理",
    followup_specialist="客户专员 回访员 回访专员 客服专员 客服 客户关怀专员",
    sales_manager="销售经理 销售总监 展厅经理 销售主管",
    service_manager="服务经理 售后经理 售后总监 前台主管 服务主管 服务总监",
    customer_manager="客服经理 客户经理 客户关系经理 客服主管",
    general_manager="总经理 店总 店长 gm",
    admin="管理员 系统管理员 administrator",
)

# The first line with a word that the cell contains decides: 事故维修 is bodywork, 保养维修 maintenance, 保修 a claim.
ORDER_KINDS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    ("internal", _set("内部 自用 内修 pdi 新车检查 新车整备 试驾车 internal 整备")),
    ("claim", _set("索赔 保修 三包 质保 召回 claim warranty 保内")),
    ("bodywork", _set("钣喷 钣金 喷漆 事故 油漆 板喷 保险 理赔 bodywork accident bodyandpaint")),
    ("maintenance", _set("保养 首保 定保 二保 maintenance service")),
    ("repair", _set("维修 修理 机修 小修 大修 一般 普通 机电 故障 repair 快修 常规 返修 检修")),
)

# Cars that nobody is called about (decisions.md, "A visit"): internal, test and trade cars.
EXCLUDED: Final = _set("内部 试驾 试乘 二网 调拨 批发 测试 自用 公务车 工作车 展车 经销商 同行 不回访 免回访 internal test trade")
RETAIL: Final = _set("零售 个人 正常 普通 展厅 直销 一网 家用 私家 非营运 营运 私人 终端 大客户 集团 单位 网销")
