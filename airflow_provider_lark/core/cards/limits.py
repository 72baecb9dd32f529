"""What Lark documents about cards of JSON 2.0, by name.

Sources: open.feishu.cn, "Card JSON 2.0 structure", "Card JSON 2.0: what changed", the page of each component, "Frequent
questions about cards", "Send a message", "Custom bot", read 2026-11.
"""

from __future__ import annotations

CARD_MAX_BYTES = 30 * 1024
"""Bytes of a card's JSON in a message (230025, 200860)."""

WEBHOOK_MAX_BYTES = 20 * 1024
"""Bytes of what a custom bot's webhook takes."""

READY_CARD_BYTES = 30_000
"""Bytes up to which our own cards grow, quotes doubled as in a message: whichever way Lark counts."""

ELEMENTS_MAX = 200
"""Components and texts of a card (300305, 11310)."""

NESTING_MAX = 5
"""Containers within each other; a column counts with its column_set."""

TABLE_COLUMNS_MAX = 50
"""Columns of a table; Lark does not show more."""

TABLE_PAGE_MAX = 10
"""Rows of a table's page (default of Lark: 5)."""

TABLE_PRECISION_MAX = 10
"""Decimals of a number column."""

PICTURES_MAX = {"double": 2, "triple": 3, "bisect": 6, "trisect": 9}
"""Pictures of an img_combination by its mode; Lark does not show more."""

TEXT_TAGS_MAX = 3
"""Tags behind a header's title; Lark does not show more."""

CHECKER_BUTTONS_MAX = 3
"""Buttons of a checker."""

ELEMENT_ID_MAX = 20
"""Characters of an element_id: letters, digits, underscores, a letter first."""

SHORT_TEXT_MAX = 100
"""Characters on a button, in an overflow's option, in a placeholder."""

INPUT_LENGTH_MAX = 1000
"""Largest max_length of an input, and Lark's default."""

CHARTS_ADVISED = 5
"""Charts that Lark advises for a card at most; more are not refused."""

LANGUAGES = (
    "zh_cn",
    "en_us",
    "zh_hk",
    "zh_tw",
    "ja_jp",
    "id_id",
    "vi_vn",
    "th_th",
    "pt_br",
    "es_es",
    "ko_kr",
    "de_de",
    "fr_fr",
    "it_it",
    "ru_ru",
    "ms_my",
)
"""Languages of a card."""
