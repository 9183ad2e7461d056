#include "sql_classifier/tracked_variables.h"

#include <algorithm>
#include <array>

#include "sql_classifier/char_class.h"

namespace weir::sql {
namespace {

constexpr ValueStyle kQuoted = ValueStyle::quoted;
constexpr ValueStyle kBare = ValueStyle::bare;

// Not foreign_key_checks and unique_checks: MySQL does not report what they are set to.
// Sorted. Only variables that every account may set for its own session, whose value is whole in
// the text the server reports, and which have no effect beyond the statements that run under them.
constexpr TrackedVariable kVariables[] = {
    {"alter_algorithm", kQuoted},
    {"auto_increment_increment", kBare},
    {"auto_increment_offset", kBare},
    {"character_set_client", kQuoted},
    {"character_set_connection", kQuoted},
    {"character_set_results", kQuoted},
    {"character_set_server", kQuoted},
    {"check_constraint_checks", kBare},
    {"collation_connection", kQuoted},
    {"collation_server", kQuoted},
    {"column_compression_threshold", kBare},
    {"completion_type", kQuoted},
    {"cte_max_recursion_depth", kBare},
    {"default_storage_engine", kQuoted},
    {"default_tmp_storage_engine", kQuoted},
    {"default_week_format", kBare},
    {"div_precision_increment", kBare},
    {"end_markers_in_json", kBare},
    {"eq_range_index_dive_limit", kBare},
    {"explain_format", kQuoted},
    {"group_concat_max_len", kBare},
    {"histogram_size", kBare},
    {"histogram_type", kQuoted},
    {"idle_readonly_transaction_timeout", kBare},
    {"idle_transaction_timeout", kBare},
    {"idle_write_transaction_timeout", kBare},
    {"information_schema_stats_expiry", kBare},
    {"innodb_compression_default", kBare},
    {"innodb_lock_wait_timeout", kBare},
    {"innodb_snapshot_isolation", kBare},
    {"innodb_strict_mode", kBare},
    {"innodb_table_locks", kBare},
    {"interactive_timeout", kBare},
    {"internal_tmp_mem_storage_engine", kQuoted},
    {"join_buffer_size", kBare},
    {"join_buffer_space_limit", kBare},
    {"join_cache_level", kBare},
    {"lc_messages", kQuoted},
    {"lc_time_names", kQuoted},
    {"lock_wait_timeout", kBare},
    {"log_slow_filter", kQuoted},
    {"log_slow_rate_limit", kBare},
    {"log_slow_verbosity", kQuoted},
    {"long_query_time", kBare},
    {"low_priority_updates", kBare},
    {"max_error_count", kBare},
    {"max_execution_time", kBare},
    {"max_heap_table_size", kBare},
    {"max_join_size", kBare},
    {"max_length_for_sort_data", kBare},
    {"max_points_in_geometry", kBare},
    {"max_recursive_iterations", kBare},
    {"max_rowid_filter_size", kBare},
    {"max_seeks_for_key", kBare},
    {"max_sort_length", kBare},
    {"max_statement_time", kBare},
    {"min_examined_row_limit", kBare},
    {"mrr_buffer_size", kBare},
    {"myisam_sort_buffer_size", kBare},
    {"myisam_stats_method", kQuoted},
    {"net_read_timeout", kBare},
    {"net_retry_count", kBare},
    {"net_write_timeout", kBare},
    {"note_verbosity", kQuoted},
    {"old_mode", kQuoted},
    {"optimizer_extra_pruning_depth", kBare},
    {"optimizer_max_sel_arg_weight", kBare},
    {"optimizer_max_sel_args", kBare},
    {"optimizer_prune_level", kBare},
    {"optimizer_search_depth", kBare},
    {"optimizer_selectivity_sampling_limit", kBare},
    {"optimizer_switch", kQuoted},
    {"optimizer_use_condition_selectivity", kBare},
    {"print_identified_with_as_hex", kBare},
    {"progress_report_time", kBare},
    {"range_optimizer_max_mem_size", kBare},
    {"read_buffer_size", kBare},
    {"read_rnd_buffer_size", kBare},
    {"rowid_merge_buff_size", kBare},
    {"select_into_buffer_size", kBare},
    {"select_into_disk_sync", kBare},
    {"select_into_disk_sync_delay", kBare},
    {"set_operations_buffer_size", kBare},
    {"show_create_table_verbosity", kBare},
    {"show_gipk_in_create_table_and_information_schema", kBare},
    {"sort_buffer_size", kBare},
    {"sql_auto_is_null", kBare},
    {"sql_big_selects", kBare},
    {"sql_buffer_result", kBare},
    {"sql_generate_invisible_primary_key", kBare},
    {"sql_if_exists", kBare},
    {"sql_mode", kQuoted},
    {"sql_notes", kBare},
    {"sql_quote_show_create", kBare},
    {"sql_safe_updates", kBare},
    {"sql_select_limit", kBare},
    {"sql_warnings", kBare},
    {"standard_compliant_cte", kBare},
    {"system_versioning_alter_history", kQuoted},
    {"time_zone", kQuoted},
    {"tmp_memory_table_size", kBare},
    {"tmp_table_size", kBare},
    {"transaction_isolation", kQuoted},
    {"transaction_read_only", kBare},
    {"tx_isolation", kQuoted},
    {"tx_read_only", kBare},
    {"updatable_views_with_limit", kBare},
    {"use_stat_tables", kQuoted},
    {"wait_timeout", kBare},
    {"windowing_use_high_precision", kBare},
    {"wsrep_sync_wait", kBare},
};

constexpr bool sorted() {
  for (std::size_t i = 1; i < std::size(kVariables); ++i) {
    if (!(kVariables[i - 1].name < kVariables[i].name)) return false;
  }
  return true;
}
static_assert(sorted(), "the table is searched by halves");
static_assert(std::size(kVariables) <= 200, "ids are kept in small bitmaps");

constexpr std::size_t kLongest = 64;

}  // namespace

std::span<const TrackedVariable> tracked_variables() {
  return kVariables;
}

std::optional<std::size_t> find_tracked_variable(std::string_view name) {
  if (name.empty() || name.size() > kLongest) return std::nullopt;
  char folded[kLongest];
  std::transform(name.begin(), name.end(), folded, lower);
  const std::string_view wanted(folded, name.size());
  const auto* const hit = std::lower_bound(
      std::begin(kVariables), std::end(kVariables), wanted,
      [](const TrackedVariable& v, std::string_view text) { return v.name < text; });
  if (hit == std::end(kVariables) || hit->name != wanted) return std::nullopt;
  return static_cast<std::size_t>(hit - std::begin(kVariables));
}

}  // namespace weir::sql
