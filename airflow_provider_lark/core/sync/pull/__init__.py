"""From Lark to SQL: changed records are decided and applied, one bundle per transaction."""
