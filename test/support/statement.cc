#include "test/support/statement.h"

#include <algorithm>

namespace weir::test {

Statement::Statement(Client& client, const std::string& text)
    : text_(text), statement_(mysql_stmt_init(client.raw())) {
  if (mysql_stmt_prepare(statement_, text.data(), text.size()) == 0) return;
  const Error refused = error();
  mysql_stmt_close(statement_);
  throw ServerError("prepare " + text, refused);
}

Statement::~Statement() {
  mysql_stmt_close(statement_);
}

Error Statement::prepare_error(Client& client, const std::string& text) {
  try {
    const Statement statement(client, text);
    return {};
  } catch (const ServerError& error) {
    return error.error();
  }
}

Error Statement::error() const {
  return {mysql_stmt_errno(statement_), mysql_stmt_sqlstate(statement_),
          mysql_stmt_error(statement_)};
}

void Statement::fail() const {
  throw ServerError(text_, error());
}

void Statement::bind(const Values& values) {
  parameters_.assign(values.size(), MYSQL_BIND{});
  numbers_.assign(values.size(), 0);
  texts_.assign(values.size(), {});
  lengths_.assign(values.size(), 0);
  fill(values);
  if (!values.empty() && mysql_stmt_bind_param(statement_, parameters_.data()) != 0) fail();
}

void Statement::fill(const Values& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    MYSQL_BIND& bind = parameters_[i];
    if (const int* number = std::get_if<int>(&values[i])) {
      numbers_[i] = *number;
      bind.buffer_type = MYSQL_TYPE_LONG;
      bind.buffer = &numbers_[i];
    } else if (const auto* text = std::get_if<std::string>(&values[i])) {
      texts_[i] = *text;
      lengths_[i] = text->size();
      bind.buffer_type = MYSQL_TYPE_STRING;
      bind.buffer = texts_[i].data();
      bind.buffer_length = text->size();
      bind.length = &lengths_[i];
    } else {
      bind.buffer_type =
          std::holds_alternative<Long>(values[i]) ? MYSQL_TYPE_LONG_BLOB : MYSQL_TYPE_NULL;
      bind.length = &lengths_[i];
    }
  }
}

void Statement::run() {
  if (mysql_stmt_execute(statement_) != 0) fail();
}

// Every column is read as text, of a length that is known only when the row has come.
void Statement::bind_columns() {
  const unsigned count = mysql_stmt_field_count(statement_);
  columns_.assign(count, MYSQL_BIND{});
  column_lengths_.assign(count, 0);
  nulls_.assign(count, 0);
  for (unsigned i = 0; i < count; ++i) {
    columns_[i].buffer_type = MYSQL_TYPE_STRING;
    columns_[i].length = &column_lengths_[i];
    columns_[i].is_null = &nulls_[i];
  }
  if (mysql_stmt_bind_result(statement_, columns_.data()) != 0) fail();
}

std::optional<Row> Statement::fetch() {
  const int outcome = mysql_stmt_fetch(statement_);
  if (outcome == MYSQL_NO_DATA) return std::nullopt;
  if (outcome == 1) fail();
  Row row;
  for (unsigned i = 0; i < columns_.size(); ++i) {
    if (nulls_[i] != 0) {
      row.emplace_back();
      continue;
    }
    // Numbers have no length until they have become text.
    std::string text(std::max(column_lengths_[i], 64ul), '\0');
    MYSQL_BIND whole{};
    unsigned long length = 0;
    whole.buffer_type = MYSQL_TYPE_STRING;
    whole.buffer = text.data();
    whole.buffer_length = text.size();
    whole.length = &length;
    if (mysql_stmt_fetch_column(statement_, &whole, i, 0) != 0) fail();
    text.resize(length);
    row.push_back(text);
  }
  return row;
}

Result Statement::read_result() {
  Result result;
  if (mysql_stmt_field_count(statement_) == 0) {
    result.affected = mysql_stmt_affected_rows(statement_);
    result.insert_id = mysql_stmt_insert_id(statement_);
    return result;
  }
  MYSQL_RES* metadata = mysql_stmt_result_metadata(statement_);
  for (unsigned i = 0; i < mysql_num_fields(metadata); ++i) {
    result.columns.emplace_back(mysql_fetch_field_direct(metadata, i)->name);
  }
  mysql_free_result(metadata);
  bind_columns();
  if (mysql_stmt_store_result(statement_) != 0) fail();
  while (auto row = fetch()) result.rows.push_back(std::move(*row));
  mysql_stmt_free_result(statement_);
  return result;
}

std::vector<Result> Statement::execute_all(const Values& values) {
  bind(values);
  run();
  std::vector<Result> all;
  while (true) {
    all.push_back(read_result());
    const int more = mysql_stmt_next_result(statement_);
    if (more > 0) fail();
    if (more < 0) return all;
  }
}

Result Statement::execute_again(const Values& values) {
  fill(values);
  // The library keeps a copy of what was bound; its pointers stay right, and lengths are read
  // through them.
  run();
  return read_result();
}

Error Statement::error_of_execute(const Values& values) {
  try {
    execute_all(values);
    return {};
  } catch (const ServerError& error) {
    return error.error();
  }
}

void Statement::send_long(unsigned parameter, const std::string& data) {
  if (parameters_.empty()) {
    bind(Values(mysql_stmt_param_count(statement_), Long{}));
  }
  if (mysql_stmt_send_long_data(statement_, parameter, data.data(), data.size()) != 0) fail();
}

void Statement::reset() {
  if (mysql_stmt_reset(statement_) != 0) fail();
}

void Statement::use_cursor(unsigned long prefetch) {
  const unsigned long type = CURSOR_TYPE_READ_ONLY;
  mysql_stmt_attr_set(statement_, STMT_ATTR_CURSOR_TYPE, &type);
  mysql_stmt_attr_set(statement_, STMT_ATTR_PREFETCH_ROWS, &prefetch);
}

void Statement::start(const Values& values) {
  bind(values);
  run();
  bind_columns();
}

}  // namespace weir::test
