"""What each kind of file may say: the fields, their Chinese headings, what must be there. docs/import.md is made from this."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of file."""

    CUSTOMERS = "customers"
    SALES = "sales"
    WORK_ORDERS = "work-orders"
    LEADS = "leads"
    POLICIES = "policies"
    STAFF = "staff"
    OPT_OUTS = "opt-outs"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its English name (also the name in DMS webhooks), what the staff calls it, other headings for it.

    `many`: several columns may hold it (phones). Otherwise the heading that stands first here wins where a file has two.
    """

    name: str
    zh: str
    holds: str
    synonyms: tuple[str, ...] = ()
    many: bool = False

    @property
    def headings(self) -> tuple[str, ...]:
        """All headings of the field, the best first."""
        return (self.zh, *self.synonyms, self.name)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The fields of a kind, and the groups of which each must have one field with a column."""

    kind: Kind
    zh: str
    fields: tuple[Field, ...]
    required: tuple[tuple[str, ...], ...]

    def named(self, name: str) -> Field:
        """The field of that name; KeyError if the kind has none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


def field(name: str, zh: str, holds: str, others: str = "", *, many: bool = False) -> Field:
    """A Field whose other headings are given as words of one string."""
    return Field(name, zh, holds, tuple(others.split()), many)


PHONE = field(
    "phone",
    "手机",
    "phone",
    "手机号 手机号码 移动电话 移动电话号码 手机电话 联系手机 客户手机 客户手机号 客户手机号码 车主手机 车主手机号 "
    "车主手机号码 联系电话 联系号码 客户电话 客户联系电话 车主电话 车主联系电话 电话 电话号码 联系方式 客户联系方式 "
    "联系人手机 联系人电话 手机1 电话1 本人电话 备用电话 备用手机 备用联系电话 其他电话 其它电话 第二电话 手机2 电话2 "
    "手机3 电话3 固定电话 固话 座机 家庭电话 住宅电话 单位电话 办公电话 公司电话 宅电 mobile telephone tel cell "
    "cellphone mobilephone phonenumber mobilenumber",
    many=True,
)
ORDER_PHONE = Field("phone", PHONE.zh, "phone", tuple(h for h in PHONE.synonyms if not h.startswith("联系人")), True)
PERSON_NAME = (
    "客户姓名 姓名 客户名称 客户名 名称 车主 车主姓名 车主名称 客户 顾客姓名 顾客 会员姓名 购车人 购车客户 购车人姓名 "
    "潜客姓名 意向客户 机主 联系人 联系人姓名 customer customername fullname"
)
CODE = (
    "客户编号 客户代码 客户编码 客户号 客户id 客户档案号 档案编号 档案号 会员号 会员编号 会员卡号 潜客编号 customerid "
    "customercode customernumber customerno"
)
VIN = field(
    "vin",
    "VIN码",
    "VIN",
    "vin 车架号 车架号码 车辆识别号 车辆识别码 车辆识别代号 车辆识别代码 底盘号 底盘号码 大架号 vin号 vincode chassis "
    "chassisnumber",
)
PLATE = field(
    "plate",
    "车牌号",
    "plate",
    "车牌 车牌号码 牌照 牌照号 牌照号码 车号 车辆号牌 号牌号码 号牌 车辆牌照 licenseplate platenumber plateno licenceplate",
)
ENGINE = field("engine_number", "发动机号", "text", "发动机号码 引擎号 发动机编号 电机号 engine engineno")
MODEL = field(
    "model", "车型", "text", "车型名称 车系 车系车型 车辆型号 品牌车型 车款 型号 车型描述 购买车型 成交车型 carmodel vehiclemodel"
)
CONSULTANT = field(
    "consultant",
    "销售顾问",
    "staff",
    "销售员 销售人员 销售 业务员 销售代表 所属顾问 归属顾问 顾问 专属销售顾问 salesconsultant salesperson sales",
)
ADVISOR = field(
    "advisor",
    "服务顾问",
    "staff",
    "接待员 接车员 接待顾问 接车顾问 售后顾问 专属服务顾问 sa 业务接待 维修顾问 接待人 接车人 serviceadvisor",
)
INSURANCE = field("insurance_specialist", "保险专员", "staff", "新保专员 保险顾问 保险专员新车 新车保险专员 保险员")
RENEWAL = field("renewal_specialist", "续保专员", "staff", "续保顾问 续保员 续保负责人")
FOLLOWUP = field("followup_specialist", "客户专员", "staff", "回访员 回访专员 客服专员 客服 客服人员 客户关怀专员 回访人员")
GENDER = field("gender", "性别", "gender", "称谓 客户性别 车主性别 sex")
NOTE = field("note", "备注", "text", "备注1 说明 备注说明 客户备注 附注 remark remarks comment")
EXCLUDED = field(
    "excluded",
    "不回访",
    "exclusion",
    "销售类型 车辆性质 车辆用途 销售渠道 客户性质 免回访 是否内部车 试驾车 二网 销售性质 使用性质",
)
SOURCE = field("source", "来源", "text", "客户来源 信息来源 线索来源 来源渠道 渠道 客户渠道 获知渠道 channel")
CONSENT = field(
    "marketing_consent",
    "营销同意",
    "flag",
    "同意营销 营销授权 是否同意营销 同意接收营销信息 接收营销短信 是否接收短信 授权营销 隐私授权 consent",
)
INTERVAL = (
    field("interval_months", "保养间隔月数", "number", "保养间隔月 保养周期 保养周期月 间隔月数"),
    field("interval_km", "保养间隔里程", "mileage", "保养间隔公里 保养里程间隔 间隔里程"),
)
OWNER = (
    field("customer_code", "客户编号", "code", CODE),
    field("customer_name", "客户姓名", "name", PERSON_NAME),
)
ORDER_OWNER = Field("customer_name", "客户姓名", "name", tuple(h for h in PERSON_NAME.split() if not h.startswith("联系人")))
