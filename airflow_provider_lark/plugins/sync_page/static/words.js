// The words of the page, in English and Chinese, and how times, numbers and shares are written.

const WORDS = {
  title: ["Lark sync", "飞书同步"],
  mappings: ["Mappings", "映射"],
  all: ["All mappings", "全部映射"],
  search: ["Search mappings", "搜索映射"],
  refresh: ["Refresh", "刷新"],
  updated: ["Updated {at}", "更新于 {at}"],
  other: ["中文", "English"],
  mapping: ["Mapping", "映射"],
  pending: ["Pending", "待同步"],
  oldest: ["Oldest", "最久等待"],
  success: ["Success (1 h)", "成功率（1 小时）"],
  delay: ["Delay (1 h)", "平均延迟（1 小时）"],
  last_run: ["Last run", "上次运行"],
  failed: ["Failed", "失败"],
  conflicts: ["Conflicts", "冲突"],
  held: ["Held deletes", "暂缓删除"],
  blacklist: ["Left alone", "黑名单"],
  history: ["Row history", "行历史"],
  overview: ["Overview", "概览"],
  lark: ["Lark", "飞书"],
  need_you: ["Need you", "待处理"],
  loops: ["{n} loop", "循环 {n}"],
  ok: ["In step", "正常"],
  waits: ["Needs you", "需处理"],
  bad: ["Last run failed", "上次运行失败"],
  never: ["Never ran", "从未运行"],
  error: ["Cannot be read", "无法读取"],
  none: ["none", "无"],
  ago: ["{t} ago", "{t}前"],
  backlog_over_time: ["Backlog after each run", "每次运行后的积压"],
  rows_per_run: ["Rows written per run", "每次运行写入的行数"],
  oldest_over_time: ["Age of the oldest pending change", "最早待同步变更的等待时间"],
  to_lark: ["to Lark", "写入飞书"],
  to_sql: ["to SQL", "写入 SQL"],
  runs: ["Runs", "运行记录"],
  ended: ["Ended", "结束"],
  run: ["Run", "运行"],
  status: ["Status", "状态"],
  other_counts: ["Also", "其他"],
  took: ["Took", "耗时"],
  calls: ["Calls", "调用次数"],
  problem: ["Error", "错误"],
  no_runs: ["No run has ended yet. Runs show up here as soon as one has.", "尚无运行记录。运行结束后会显示在这里。"],
  key: ["Key", "键"],
  change: ["Change", "变更"],
  attempts: ["Attempts", "尝试次数"],
  failed_at: ["Failed", "失败时间"],
  find_text: ["Text in key or error", "键或错误中的文字"],
  find: ["Find", "查找"],
  match: ["{n} failed rows match", "匹配到 {n} 个失败行"],
  failed_rows: ["{n} failed rows", "{n} 个失败行"],
  no_failed: ["No row has failed.", "没有失败的行。"],
  no_match: ["No failed row matches.", "没有匹配的失败行。"],
  select_shown: ["Select the rows shown", "选择本页的行"],
  retry_some: ["Retry {n} selected", "重试所选 {n} 行"],
  retry_all: ["Retry all {n}", "全部重试（{n} 行）"],
  leave_some: ["Leave {n} alone", "将 {n} 行加入黑名单"],
  ask_retry: ["Try {n} failed rows again?", "重试 {n} 个失败行？"],
  ask_retry_text: [
    "The next run of “{m}” tries them again. Rows that failed after this page was loaded stay as they are.",
    "“{m}”的下一次运行会重试这些行。本页加载之后失败的行不受影响。",
  ],
  with_text: ["Only those with “{t}” in key or error.", "仅限键或错误中包含“{t}”的行。"],
  did_retry: ["The next run tries {n} rows again", "下一次运行将重试 {n} 行"],
  newest: ["Newest", "最新"],
  newer: ["Newer", "较新"],
  older: ["Older", "较旧"],
  oldest_page: ["Oldest", "最旧"],
  more: ["More", "更多"],
  back_to_start: ["From the start", "回到开头"],
  column: ["Column", "列"],
  agreed: ["Agreed last", "上次一致"],
  no_conflicts: ["No conflict is open.", "没有未解决的冲突。"],
  open_conflicts: ["{n} open conflicts", "{n} 个未解决的冲突"],
  gone_lark: ["Deleted in Lark, changed in SQL", "飞书中已删除，SQL 中有修改"],
  gone_sql: ["Deleted in SQL, changed in Lark", "SQL 中已删除，飞书中有修改"],
  deleted: ["deleted", "已删除"],
  empty: ["empty", "空"],
  left_out: ["and {n} more columns", "另有 {n} 列"],
  adopt_lark: ["Adopt Lark", "采用飞书"],
  adopt_sql: ["Adopt SQL", "采用 SQL"],
  adopt_all: ["All {n} shown:", "本页全部 {n} 个："],
  ask_lark: ["Let Lark win {n} conflicts?", "{n} 个冲突以飞书为准？"],
  ask_sql: ["Let SQL win {n} conflicts?", "{n} 个冲突以 SQL 为准？"],
  ask_win_text: [
    "The next run of “{m}” writes the values of the side that wins over those of the other, if both are still as shown.",
    "如果两侧的值仍与显示的一致，“{m}”的下一次运行会用胜出一侧的值覆盖另一侧。",
  ],
  did_win: ["Decided for {n} conflicts; the next run carries it out", "已决定 {n} 个冲突，下一次运行时执行"],
  wins_lark: ["Lark wins in the next run, as {by} decided", "下一次运行以飞书为准（{by} 决定）"],
  wins_sql: ["SQL wins in the next run, as {by} decided", "下一次运行以 SQL 为准（{by} 决定）"],
  values_hidden: [
    "You do not see values: this needs the right to read the connection “{c}” in Airflow.",
    "无法查看字段值：需要在 Airflow 中读取连接“{c}”的权限。",
  ],
  held_lark: ["Deleted in SQL, kept in Lark", "SQL 中已删除，飞书中保留"],
  held_sql: ["Deleted in Lark, kept in SQL", "飞书中已删除，SQL 中保留"],
  no_held: ["No delete is held.", "没有暂缓的删除。"],
  release_lark: ["Delete {n} in Lark too", "同时删除飞书中的 {n} 条"],
  release_sql: ["Delete {n} in SQL too", "同时删除 SQL 中的 {n} 行"],
  keep_lark: ["Restore {n} in SQL", "在 SQL 中恢复 {n} 行"],
  keep_sql: ["Restore {n} in Lark", "在飞书中恢复 {n} 条"],
  ask_release_lark: ["Delete {n} records in Lark?", "删除飞书中的 {n} 条记录？"],
  ask_release_sql: ["Delete {n} rows in SQL?", "删除 SQL 中的 {n} 行？"],
  ask_keep_lark: ["Restore {n} rows in SQL?", "在 SQL 中恢复 {n} 行？"],
  ask_keep_sql: ["Restore {n} records in Lark?", "在飞书中恢复 {n} 条记录？"],
  ask_held_text: [
    "The next run of “{m}” does it, for exactly the deletes that are held now.",
    "“{m}”的下一次运行会执行，且仅限当前暂缓的这些删除。",
  ],
  will_release: ["The next run deletes them, as {by} decided", "下一次运行将删除（{by} 决定）"],
  will_keep: ["The next run restores them, as {by} decided", "下一次运行将恢复（{by} 决定）"],
  did_held: ["Decided for {n} deletes; the next run carries it out", "已决定 {n} 个删除，下一次运行时执行"],
  no_blacklist: ["No row is left alone.", "黑名单为空。"],
  holds_for: ["Holds for", "适用于"],
  every_table: ["every table", "所有表"],
  this_table: ["this table", "此表"],
  ends_in: ["Ends in", "剩余时间"],
  for_good: ["never", "永久"],
  reason: ["Reason", "原因"],
  remove: ["Sync again", "恢复同步"],
  keys_hint: ["Keys, one per line", "键，每行一个"],
  hours_hint: ["Hours (empty: until removed)", "小时数（留空：直到移除）"],
  add: ["Leave alone", "加入黑名单"],
  ask_leave: ["Leave {n} rows alone?", "将 {n} 行加入黑名单？"],
  ask_leave_text: ["Runs of “{m}” skip them until they are synced again.", "在恢复同步之前，“{m}”的运行会跳过这些行。"],
  did_leave: ["{n} rows are left alone from the next run on", "下一次运行起，{n} 行不再同步"],
  did_unleave: ["{n} rows are synced again from the next run on", "下一次运行起，{n} 行恢复同步"],
  history_hint: ["SQL key or record id, such as 42", "SQL 键或记录 ID，例如 42"],
  show: ["Show", "查看"],
  written: ["Written", "写入值"],
  older_events: ["There are older ones.", "还有更早的记录。"],
  did_nothing: ["Nothing was left to do: a run, or somebody else, was faster.", "无需操作：运行或其他人已先处理。"],
  too_many_keys: ["No more than {n} keys at a time.", "一次最多 {n} 个键。"],
  long_key: ["Too long for an address: look it up by the record id", "键过长，无法放入网址：请用记录 ID 查看"],
  since_first: ["This is all since the first run.", "以上为首次运行以来的全部记录。"],
  since_retention: ["Complete since {at}; the retention dropped what was before.", "{at} 之后完整；更早的记录已按保留期删除。"],
  since_upgrade: ["Complete since {at}; no values were kept before.", "{at} 之后完整；此前未保存字段值。"],
  no_history: ["The ledger knows nothing of this row.", "账本中没有此行的记录。"],
  ask_history: ["Enter a key to see what the sync did with this row.", "输入键，查看该行的同步历史。"],
  cancel: ["Cancel", "取消"],
  yes: ["Yes, do it", "确定"],
  may_not_edit: [
    "You can look, but not change anything: this needs the right to edit the connection “{c}” in Airflow.",
    "只能查看，不能更改：需要在 Airflow 中编辑连接“{c}”的权限。",
  ],
  no_conn: ["the mapping names no connection (sql.conn_id)", "映射未指定连接（sql.conn_id）"],
  no_mappings: ["The files of [lark] mapping_files hold no mapping.", "[lark] mapping_files 的文件中没有映射。"],
  unknown_mapping: ["There is no mapping “{m}” any more.", "映射“{m}”已不存在。"],
  k_no_login: ["Your login has ended. Log in to Airflow again, then reload this page.", "登录已失效。请重新登录 Airflow，然后刷新本页。"],
  k_no_right: ["You may not do this.", "没有权限。"],
  k_changed_since: ["Nothing was changed: it is no more as it was shown. This is how it is now.", "未做任何更改：数据在显示之后已发生变化。以下是最新状态。"],
  k_slow: ["No answer within 30 seconds.", "30 秒内没有响应。"],
  k_unreachable: ["The api-server cannot be reached.", "无法连接 api-server。"],
  k_database: ["The database does not answer.", "数据库没有响应。"],
  k_schema_mismatch: ["The ledger does not fit.", "账本不匹配。"],
  k_other: ["This did not work.", "操作未成功。"],
  try_again: ["Try again", "重试"],
  log_in: ["Log in", "登录"],
};

// what the ledger says of runs and changes; in English it stays as it is there
const RUN_WORDS = {
  incremental: "增量", full: "全量", check: "检查", ok: "成功", partial: "部分失败", held: "有暂缓", failed: "失败", stopped: "已停止",
  "created in Lark": "已在飞书创建", "updated in Lark": "已更新飞书", "deleted in Lark": "已在飞书删除",
  "created in SQL": "已在 SQL 创建", "updated in SQL": "已更新 SQL", "deleted in SQL": "已在 SQL 删除",
  drift: "不一致", applied: "已写入", skipped: "已跳过", conflict: "冲突", decided: "已决定", rewritten: "被改写", near_miss: "近似",
  "near misses": "近似", conflicts: "冲突", different: "不一致",
};

let language = first();

function first() {
  const kept = stored("lark-sync-language") || stored("i18nextLng") || navigator.language || "en";
  return kept.toLowerCase().startsWith("zh") ? "zh" : "en";
}

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** The other language from now on, in this browser. */
export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  try {
    localStorage.setItem("lark-sync-language", language);
  } catch {
    // it holds for this page only
  }
}

/** The tag of the language. */
export function tag() {
  return language === "zh" ? "zh-CN" : "en";
}

/** Words for *name*; what stands in braces is replaced by *parts*, which are texts and are taken as they are. */
export function t(name, parts = {}) {
  const [en, zh] = WORDS[name] || [name, name];
  const words = language === "zh" ? zh : parts.n === "1" ? ofOne(en) : en;
  return words.replace(/\{(\w+)\}/g, (all, part) => (Object.hasOwn(parts, part) ? String(parts[part]) : all));
}

function ofOne(words) {
  return words.replace(/\b(row|conflict|delete|record|column)s\b/g, "$1").replace(/\bare\b/, "is").replace(/ match$/, " matches");
}

/** A word of the ledger about a run or a change. */
export function runWord(word) {
  return language === "zh" && Object.hasOwn(RUN_WORDS, word) ? RUN_WORDS[word] : word;
}

/** Words for what went wrong, and what the server says of it. */
export function problemWords(problem) {
  const name = Object.hasOwn(WORDS, `k_${problem.kind}`) ? `k_${problem.kind}` : "k_other";
  return [t(name), problem.message].filter(Boolean);
}

/** A key as it is shown: its first 200 characters, and by their codes those that cannot be seen, or turn round the others. */
export function keyWords(key) {
  const shown = key.length > 200 ? `${key.slice(0, 200)}…` : key;
  return shown.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (each) => `\\u{${each.codePointAt(0).toString(16)}}`);
}

/** A number. */
export function number(value) {
  return new Intl.NumberFormat(tag()).format(value);
}

/** A length of time in its largest unit. */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [length, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"]].find(([least]) => seconds >= least) || [1, "second"];
  const digits = seconds / length < 10 && unit !== "day" && seconds >= 0.05 ? 1 : 0;
  const options = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: digits };
  return new Intl.NumberFormat(tag(), options).format(seconds / length);
}

/** A time so many seconds ago. */
export function ago(seconds) {
  return t("ago", { t: span(seconds) });
}

/** A moment. */
export function moment(ms, withDay = true) {
  const day = withDay ? { month: "short", day: "numeric" } : {};
  return new Intl.DateTimeFormat(tag(), { ...day, hour: "2-digit", minute: "2-digit", second: withDay ? undefined : "2-digit", hourCycle: "h23" }).format(new Date(ms));
}

/** A share; what is not all is never 100 %. */
export function share(part) {
  if (part === null || part === undefined) return "–";
  return part >= 1 ? "100 %" : `${Math.min(part * 100, 99.9).toFixed(1)} %`;
}
