#include "proxy/core/prepared_statements.h"

#include <algorithm>
#include <utility>

#include "protocol/frame.h"
#include "protocol/query_attributes.h"
#include "proxy/core/keyed_hash.h"

namespace weir {

void PreparedStatement::drop_long_data() {
  long_data.clear();
  long_data_size = 0;
}

StatementPtr StatementStore::intern(std::string_view text, const SessionState& state,
                                    const sql::Classification& facts, std::uint16_t parameters,
                                    const std::vector<Substitution>& substitutions) {
  const StatePtr read_by = states_.intern(SessionState().prepared_as(state));
  const std::size_t hash = keyed_hash(text);
  const auto [from, to] = statements_.equal_range(hash);
  for (auto at = from; at != to; ++at) {
    const SharedStatement& known = *at->second;
    if (known.text == text && known.state == read_by && known.parameters == parameters &&
        known.substitutions == substitutions) {
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
  added->substitutions = substitutions;
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
  } while (last_id_ == 0 || last_id_ == kLastPrepared || statements_.contains(last_id_));
  PreparedStatement& statement = statements_[last_id_];
  statement.id = last_ = last_id_;
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

void PreparedStatements::retire(std::uint32_t id) {
  PreparedStatement* statement = find(id);
  if (statement == nullptr || statement->retired) return;
  statement->retired = true;
  retired_.push_back(id);
}

void PreparedStatements::drop_retired() {
  for (const std::uint32_t id : retired_) erase(id);
  retired_.clear();
}

PreparedStatement* PreparedStatements::last() {
  PreparedStatement* statement = find(last_);
  return statement != nullptr && !statement->retired ? statement : nullptr;
}

std::size_t PreparedStatements::memory() const {
  std::size_t bytes = text_size_;
  for (const auto& [id, statement] : statements_) {
    bytes += sizeof statement + statement.types.capacity() + statement.long_data_size;
  }
  return bytes;
}

void PreparedStatements::clear() {
  statements_.clear();
  retired_.clear();
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

std::size_t fixed_execute_size(protocol::Command command) {
  return command == protocol::Command::stmt_bulk_execute ? 1 + 4 + 2 : 1 + 4 + 1 + 4;
}

namespace {

constexpr std::uint8_t kCursorFlags = 0x07;
constexpr std::uint8_t kBulkTypesFollow = 0x80;  // STMT_BULK_FLAG_CLIENT_SEND_TYPES

std::optional<ExecuteLayout> parse_bulk_execute(protocol::Bytes payload, std::uint16_t parameters) {
  protocol::ByteReader in(payload);
  ExecuteLayout layout;
  in.skip(1 + 4);
  layout.types_flag_at = payload.size() - in.remaining();
  layout.types_flag = kBulkTypesFollow;
  layout.has_types = (in.int2() & kBulkTypesFollow) != 0;
  layout.types_at = payload.size() - in.remaining();
  if (layout.has_types) layout.types = in.text(std::size_t{parameters} * 2);
  if (!in.ok()) return std::nullopt;
  return layout;
}

}  // namespace

std::optional<ExecuteLayout> parse_execute(protocol::Bytes payload, std::uint16_t parameters,
                                           protocol::Capabilities capabilities) {
  protocol::ByteReader in(payload);
  ExecuteLayout layout;
  const auto command = static_cast<protocol::Command>(in.int1());
  if (command == protocol::Command::stmt_bulk_execute)
    return parse_bulk_execute(payload, parameters);
  in.skip(4);
  layout.cursor = in.int1() & kCursorFlags;
  in.skip(4);
  const bool attributes = (capabilities & protocol::kQueryAttributes) != 0;
  const std::uint64_t count = attributes && parameters > 0 ? in.lenenc_int() : parameters;
  // Without parameters there is nothing to remember; with too few the server refuses it (1210).
  if (in.ok() && (parameters == 0 || count < parameters)) return layout;
  layout.nulls = in.bytes(count / 8 + (count % 8 != 0 ? 1 : 0));
  layout.types_flag_at = payload.size() - in.remaining();
  layout.has_types = in.int1() != 0;
  layout.types_at = payload.size() - in.remaining();
  if (layout.has_types) {
    layout.types = protocol::as_text(read_parameter_types(in, parameters, capabilities));
  } else if (count > parameters) {
    layout.types_flag_at = 0;  // nobody has ever seen an attribute's type: refused as malformed
  }
  if (!in.ok()) return std::nullopt;
  return layout;
}

std::string insert_types(protocol::Bytes payload, const ExecuteLayout& layout,
                         std::string_view types) {
  const std::string_view text = protocol::as_text(payload);
  std::string out;
  out.reserve(text.size() + types.size());
  out.append(text.substr(0, layout.types_at));
  out[layout.types_flag_at] =
      static_cast<char>(static_cast<std::uint8_t>(out[layout.types_flag_at]) | layout.types_flag);
  out.append(types);
  out.append(text.substr(layout.types_at));
  return out;
}

}  // namespace weir
