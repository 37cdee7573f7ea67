"""What the corpus is about.

Topics with their words, the words that all topics share, the digits, the categories.
"""

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Topic:
    """A level-1 category."""

    level1_id: str
    """Two digits."""
    name: str
    words: tuple[str, ...]
    """Words that titles, captions and speech of this topic draw from."""
    weight: float
    """How common the topic is, beside the others."""


@dataclass(frozen=True)
class Category:
    """A level-2 category: what is talked about and which digit is shown."""

    category_id: str
    """Four digits, the first two those of level 1."""
    topic: Topic
    digit: int
    name: str
    weight: float


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TOPICS = (
    Topic(
        "00",
        "美食",
        _words(
            "火锅 红烧肉 烧烤 奶茶 蛋糕 面条 饺子 炒饭 麻辣烫 小龙虾 豆腐 酱油 烘焙 厨房 菜谱 早餐"
            " 甜品 牛排 包子 鸡翅"
            " 米粉 酸菜鱼 煲汤 调料 下厨 零食 糖醋排骨 凉拌黄瓜"
        ),
        1.3,
    ),
    Topic(
        "01",
        "体育",
        _words(
            "足球 篮球 羽毛球 乒乓球 马拉松 跑步 健身 瑜伽 游泳 射门 扣篮 教练 比赛 冠军 决赛 联赛"
            " 运动员 球迷 深蹲"
            " 俯卧撑 裁判 训练 网球 滑雪 拳击 哑铃 热身 主场"
        ),
        1.15,
    ),
    Topic(
        "02",
        "音乐",
        _words(
            "吉他 钢琴 歌手 演唱会 旋律 歌词 翻唱 乐队 鼓手 古筝 小提琴 民谣 摇滚 说唱 合唱 音符"
            " 伴奏 作曲 专辑 麦克风"
            " 情歌 节奏 和弦 二胡 唢呐 编曲 单曲 耳机"
        ),
        1.0,
    ),
    Topic(
        "03",
        "旅行",
        _words(
            "海边 雪山 古镇 沙漠 草原 机票 酒店 民宿 自驾游 攻略 景点 日出 露营 帐篷 海岛 徒步 瀑布"
            " 湖泊 峡谷 背包"
            " 导游 签证 高铁 打卡 夜市 寺庙 森林 码头"
        ),
        0.85,
    ),
    Topic(
        "04",
        "数码",
        _words(
            "手机 电脑 芯片 屏幕 相机 镜头 充电器 电池 键盘 鼠标 显卡 内存 系统 软件 游戏机 平板"
            " 跑分 续航 像素 拆机"
            " 评测 折叠屏 快充 蓝牙 路由器 硬盘 散热 处理器"
        ),
        0.7,
    ),
)

SHARED_WORDS = _words(
    "今天 昨天 周末 大家 朋友 我们 视频 记录 分享 生活 一起 真的 喜欢 推荐 开心 快乐 好看 有趣 简单"
    " 方法 教程 日常 时间"
    " 新手 第一次 终于 原来 竟然 太好了 值得 收藏 关注 点赞 评论 家人 孩子 老师 城市 便宜 价格 质量"
    " 体验 感受 故事"
    " 心情 努力 坚持 完美 惊喜 挑战"
)
"""Noise: as frequent in one topic as in another."""

DIGITS_SHOWN = (0, 3, 4, 7)
_DIGIT_NAMES = {0: "零", 3: "三", 4: "四", 7: "七"}
_DIGIT_WEIGHTS = (0.39, 0.28, 0.20, 0.13)


def _categories() -> tuple[Category, ...]:
    """Combine topics and digits.

    Which digit is common differs from topic to topic, so that neither gives the other.
    """
    made = []
    for (rank, topic), (place, digit) in product(enumerate(TOPICS), enumerate(DIGITS_SHOWN)):
        share = _DIGIT_WEIGHTS[(place + rank) % len(DIGITS_SHOWN)]
        name = f"{topic.name}·{_DIGIT_NAMES[digit]}"
        made.append(
            Category(f"{topic.level1_id}{place:02d}", topic, digit, name, topic.weight * share)
        )
    return tuple(made)


CATEGORIES = _categories()


def taxonomy_csv() -> str:
    """Return the taxonomy's file: ``category_id, level1_id, name, level1_name``."""
    rows = (
        f"{category.category_id},{category.topic.level1_id},{category.name},{category.topic.name}"
        for category in CATEGORIES
    )
    return "\n".join(("category_id,level1_id,name,level1_name", *rows)) + "\n"
