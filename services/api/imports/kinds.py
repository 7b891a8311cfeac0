"""The kinds of file: their fields, and what each must have."""

from collections.abc import Mapping
from typing import Final

from services.api.imports.fields import (
    ADVISOR,
    CODE,
    CONSENT,
    CONSULTANT,
    ENGINE,
    EXCLUDED,
    FOLLOWUP,
    GENDER,
    INSURANCE,
    INTERVAL,
    MODEL,
    NOTE,
    ORDER_OWNER,
    ORDER_PHONE,
    OWNER,
    PERSON_NAME,
    PHONE,
    PLATE,
    RENEWAL,
    SOURCE,
    VIN,
    Kind,
    Sheet,
    field,
)

CUSTOMERS: Final = Sheet(
    Kind.CUSTOMERS,
    "客户档案",
    (
        field("external_code", "客户编号", "code", CODE + " 编号"),
        field("name", "客户姓名", "name", PERSON_NAME),
        PHONE,
        field("kind", "客户类型", "customer kind", "客户类别 客户性质 单位或个人 customertype"),
        GENDER,
        field("wechat", "微信号", "wechat", "微信 微信账号 微信id wechatid weixin"),
        field("email", "邮箱", "email", "电子邮箱 电子邮件 邮件地址 邮箱地址 e-mail mail"),
        field("birthday", "生日", "birthday", "出生日期 出生年月 出生年月日 客户生日 车主生日 生日日期 dateofbirth birthdate"),
        field("region", "地区", "text", "区域 所在地区 所在区 区县 所属区域 城市 所在城市 市区 省市区 city"),
        field("address", "地址", "text", "联系地址 家庭地址 住址 通讯地址 详细地址 客户地址 邮寄地址 车主地址 单位地址"),
        field(
            "preferred_channel",
            "首选联系方式",
            "channel",
            "首选渠道 偏好联系方式 联系方式偏好 首选联络方式 回访方式 期望联系方式 preferredcontact",
        ),
        field(
            "filed_on", "建档日期", "date", "建档时间 登记日期 创建日期 创建时间 录入日期 录入时间 开户日期 createdon createdat"
        ),
        SOURCE,
        CONSULTANT,
        ADVISOR,
        FOLLOWUP,
        INSURANCE,
        RENEWAL,
        CONSENT,
        NOTE,
    ),
    (("name",),),
)

SALES: Final = Sheet(
    Kind.SALES,
    "车辆销售",
    (
        *OWNER,
        PHONE,
        GENDER,
        field(
            "external_code", "销售单号", "code", "订单号 订单编号 销售订单号 合同号 合同编号 销售编号 交车单号 单号 ordernumber"
        ),
        VIN,
        PLATE,
        ENGINE,
        MODEL,
        field("colour", "颜色", "text", "车色 车身颜色 外观颜色 车辆颜色 color"),
        # 开票日期 and 销售日期 are not here: the delivery date is never taken from the invoice date (S2).
        field(
            "delivered_on",
            "交车日期",
            "date",
            "交付日期 提车日期 交车时间 交付时间 提车时间 实际交车日期 实际交车时间 交车日 购车日期 购车时间 "
            "deliverydate deliveredat deliveryon",
        ),
        field("insured", "是否投保", "flag", "是否保险 投保 保险 是否购买保险 已投保 保险情况 是否店内投保 投保情况 isinsured"),
        field("insurer", "保险公司", "text", "承保公司 投保公司 保险公司名称 insurancecompany"),
        field(
            "policy_expires_on",
            "保险到期日",
            "date",
            "保险到期日期 保险到期时间 保险到期 保险终止日期 保单到期日 保单到期日期 商业险到期日 商业险到期日期 "
            "交强险到期日 交强险到期日期 insuranceexpiry",
        ),
        field("plated", "是否上牌", "flag", "上牌 上牌情况 是否已上牌 是否代办上牌 已上牌 上牌状态 isplated"),
        field("price_fen", "成交价", "money", "成交价格 车价 销售价格 成交金额 售价 裸车价 开票价 price"),
        field("card_handed_on", "移交日期", "date", "交卡日期 档案移交日期 管理卡移交日期 移交售后日期 交接日期"),
        *INTERVAL,
        CONSULTANT,
        INSURANCE,
        RENEWAL,
        EXCLUDED,
    ),
    (("customer_code", "customer_name"), ("delivered_on",), ("vin", "plate", "engine_number")),
)

WORK_ORDERS: Final = Sheet(
    Kind.WORK_ORDERS,
    "维修工单",
    (
        field(
            "number",
            "工单号",
            "code",
            "工单编号 维修单号 委托书号 委托单号 维修工单号 维修工单 工单 派工单号 任务委托书号 ro号 ro单号 结算单号 "
            "施工单号 接车单号 单据号 单据编号 单号 业务单号 订单号 workorder workordernumber ronumber ordernumber "
            "orderno",
        ),
        VIN,
        PLATE,
        MODEL,
        field(
            "kind",
            "维修类型",
            "order kind",
            "业务类型 维修类别 工单类型 维修种类 服务类型 业务类别 修理类别 维修性质 工单类别 ordertype servicetype type",
        ),
        field(
            "opened_at",
            "进店时间",
            "moment",
            "开单时间 接车时间 进厂时间 来店时间 进站时间 开单日期 接车日期 进厂日期 进店日期 来店日期 进站日期 "
            "登记时间 openedon opendate",
        ),
        field(
            "closed_at",
            "结算时间",
            "moment",
            "结算日期 结账时间 结账日期 结单时间 结单日期 完工时间 完工日期 竣工时间 竣工日期 出厂时间 出厂日期 "
            "离店时间 离店日期 交车时间 交车日期 关单时间 关单日期 结清时间 收款时间 closedon closedate",
        ),
        field(
            "mileage_km",
            "进店里程",
            "mileage",
            "里程 行驶里程 公里数 进厂里程 里程数 当前里程 行驶公里 行驶公里数 里程表读数 进站里程 mileage odometer km",
        ),
        ADVISOR,
        field("technician", "技师", "staff", "维修技师 主修技师 主修 主修人 维修工 维修人员 施工技师 机修技师 派工技师 班组技师"),
        field(
            "items",
            "维修项目",
            "text",
            "项目 维修内容 作业项目 服务项目 维修项目名称 工时项目 故障描述 施工项目 维修明细 description",
        ),
        field(
            "fee_fen",
            "金额",
            "money",
            "总金额 结算金额 维修金额 费用 应收金额 实收金额 合计金额 总费用 结算总额 维修费 fee amount total",
        ),
        field("customer_code", "客户编号", "code", CODE),
        ORDER_OWNER,
        ORDER_PHONE,
        GENDER,
        field("contact_name", "送修人", "name", "联系人 联系人姓名 送修人姓名 送车人 报修人 来店人 contact contactperson"),
        field(
            "contact_phone",
            "送修人电话",
            "phone",
            "联系人电话 联系人手机 送修人手机 送修电话 送修人联系电话 送车人电话 报修人电话 来店人电话 送修手机",
        ),
        *INTERVAL,
        EXCLUDED,
    ),
    (("number",), ("vin", "plate"), ("closed_at",)),
)

LEADS: Final = Sheet(
    Kind.LEADS,
    "意向客户",
    (
        field("customer_code", "客户编号", "code", CODE),
        field("name", "客户姓名", "name", PERSON_NAME),
        PHONE,
        GENDER,
        field("model", "意向车型", "text", "意向车系 拟购车型 关注车型 意向车 车型 欲购车型 车系 拟购车系 interestedmodel"),
        field(
            "expected_on",
            "预计购车日期",
            "date",
            "预计购车时间 预购日期 预计成交日期 拟购日期 拟购时间 预计购买日期 预计购买时间 购车时间 预计成交时间 expecteddate",
        ),
        field(
            "first_visit_on",
            "首次到店日期",
            "date",
            "首次来店日期 首次到店时间 首次来店时间 来店日期 到店日期 到店时间 来店时间 首访日期 首次进店日期 "
            "firstvisit firstvisitdate",
        ),
        CONSULTANT,
        SOURCE,
        field("state", "意向状态", "lead state", "状态 客户状态 跟进状态 成交状态 是否成交 status"),
        field("lost_reason", "战败原因", "text", "失败原因 流失原因 未成交原因"),
        CONSENT,
        NOTE,
    ),
    (("name",),),
)

POLICIES: Final = Sheet(
    Kind.POLICIES,
    "保险",
    (
        *OWNER,
        PHONE,
        field("number", "保单号", "code", "保单号码 保单编号 商业险保单号 交强险保单号 policynumber policyno"),
        VIN,
        PLATE,
        MODEL,
        field("insurer", "保险公司", "text", "承保公司 投保公司 保险公司名称 insurancecompany"),
        field("starts_on", "起保日期", "date", "保险起期 生效日期 保险生效日期 起始日期 起保日 保险开始日期 startdate"),
        field(
            "expires_on",
            "保险到期日",
            "date",
            "到期日 到期日期 保险到期日期 保险到期时间 保险到期 保险止期 终保日期 终止日期 保险终止日期 保单到期日 "
            "保单到期日期 商业险到期日 商业险到期日期 交强险到期日 交强险到期日期 expirydate enddate",
        ),
        field("result", "续保结果", "renewal result", "续保状态 续保情况 是否续保 renewalresult"),
        INSURANCE,
        RENEWAL,
    ),
    (("vin", "plate"), ("expires_on",)),
)

STAFF: Final = Sheet(
    Kind.STAFF,
    "员工",
    (
        field("name", "姓名", "name", "员工姓名 员工 人员姓名 员工名称 staffname fullname"),
        field("roles", "岗位", "roles", "职位 职务 角色 岗位名称 工作岗位 role position title"),
        field("phone", "手机", "phone", "手机号 手机号码 电话 电话号码 联系电话 联系方式 办公电话 移动电话 mobile tel telephone"),
        field("active", "是否在职", "flag", "在职 在职状态 状态 是否启用 isactive"),
    ),
    (("name",), ("roles",)),
)

OPT_OUTS: Final = Sheet(
    Kind.OPT_OUTS,
    "拒绝联系",
    (
        PHONE,
        field("email", "邮箱", "email", "电子邮箱 电子邮件 邮件地址 邮箱地址 e-mail mail"),
        field("channel", "拒绝渠道", "opt-out channel", "渠道 联系方式类型 退订渠道 拒绝方式 退订方式 方式"),
        field("at", "拒绝时间", "moment", "拒绝日期 退订时间 退订日期 登记日期 日期 时间 date optedoutat"),
        field("note", "原因", "text", "拒绝原因 退订原因 备注 reason remark"),
    ),
    (("phone", "email"),),
)

SHEETS: Final[Mapping[Kind, Sheet]] = {
    sheet.kind: sheet for sheet in (CUSTOMERS, SALES, WORK_ORDERS, LEADS, POLICIES, STAFF, OPT_OUTS)
}

# Columns of our own rejected file: a mended one comes back as it is.
OWN_HEADINGS: Final = ("原文件行号", "问题列", "问题值", "拒绝原因")

# The heading a person stands under says what they do in the store (decisions.md, "Import").
STAFF_ROLES: Final[Mapping[str, str]] = {
    "consultant": "sales_consultant",
    "advisor": "service_advisor",
    "technician": "technician",
    "insurance_specialist": "insurance_specialist",
    "renewal_specialist": "renewal_specialist",
    "followup_specialist": "followup_specialist",
}
