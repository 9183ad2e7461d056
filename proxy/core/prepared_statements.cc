#include "proxy/core/prepared_statements.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "protocol/frame.h"

namespace weir {

void PreparedStatement::drop_long_data() {
  long_data.clear();
  long_data_size = 0;
  long_data_too_large = false;
}

StatementPtr StatementStore::intern(std::string_view text, const SessionState& state,
                                    const sql::Classification& facts, std::uint16_t parameters) {
  const StatePtr read_by = states_.intern(SessionState().prepared_as(state));
  const std::size_t hash = std::hash<std::string_view>()(text);
  const auto [from, to] = statements_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    const SharedStatement& known = *at->second;
    if (known.text == text && known.state == read_by && known.parameters == parameters) {
      return at->second;
    }
  }
  drop_unused();
  auto added = std::make_shared<SharedStatement>();
  added->id = ++last_id_;
  added->text = text;
  added->state = read_by;
  added->facts = facts;
  added->facts.names_collation = {};
  added->parameters = parameters;
  statements_.emplace(hash, added);
  return added;
}

// Looks only when the store has doubled since, so that the cost per statement is constant.
void StatementStore::drop_unused() {
  if (statements_.size() < unused_limit_) return;
  std::erase_if(statements_, [](const auto& entry) { return entry.second.use_count() == 1; });
  unused_limit_ = std::max<std::size_t>(1024, statements_.size() * 2);
}

PreparedStatement& PreparedStatements::add(StatementPtr shared) {
  do {
    ++last_id_;
  } while (last_id_ == 0 || last_id_ == UINT32_MAX || statements_.contains(last_id_));
  PreparedStatement& statement = statements_[last_id_];
  statement.id = last_id_;
  text_size_ += shared->text.size();
  statement.shared = std::move(shared);
  return statement;
}

void PreparedStatements::erase(std::uint32_t id) {
  const auto found = statements_.find(id);
  if (found == statements_.end()) return;
  text_size_ -= found->second.shared->text.size();
  statements_.erase(found);
}

void PreparedStatements::clear() {
  statements_.clear();
  text_size_ = 0;
}

PreparedStatement* PreparedStatements::find(std::uint32_t id) {
  const auto found = statements_.find(id);
  return found != statements_.end() ? &found->second : nullptr;
}

bool PreparedStatements::any_cursor() const {
  return std::any_of(statements_.begin(), statements_.end(),
                     [](const auto& entry) { return entry.second.cursor_open; });
}

void write_statement_id(std::span<std::uint8_t> command, std::uint32_t id) {
  for (std::size_t i = 0; i < sizeof id; ++i) {
    command[protocol::kFrameHeaderSize + 1 + i] = static_cast<std::uint8_t>(id >> (8 * i));
  }
}

std::optional<ExecuteLayout> parse_execute(protocol::Bytes payload, std::uint16_t parameters) {
  protocol::ByteReader in(payload);
  ExecuteLayout layout;
  in.skip(1 + 4);
  layout.flags = in.int1();
  in.skip(4);
  if (parameters > 0) {
    in.skip((std::size_t{parameters} + 7) / 8);
    layout.types_flag_at = payload.size() - in.remaining();
    layout.has_types = in.int1() == 1;
    if (layout.has_types) layout.types = in.text(std::size_t{parameters} * 2);
  }
  if (!in.ok()) return std::nullopt;
  return layout;
}

std::string insert_types(protocol::Bytes payload, const ExecuteLayout& layout,
                         std::string_view types) {
  const std::string_view text = protocol::as_text(payload);
  std::string out;
  out.reserve(text.size() + types.size());
  out.append(text.substr(0, layout.types_flag_at));
  out.push_back('\1');
  out.append(types);
  out.append(text.substr(layout.types_flag_at + 1));
  return out;
}

}  // namespace weir
