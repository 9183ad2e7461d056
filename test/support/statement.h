// A binary prepared statement for tests.

#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "test/support/client.h"

namespace weir::test {

struct Null {};
// A parameter whose data was sent before, with send_long().
struct Long {};
using Value = std::variant<Null, Long, int, std::string>;
using Values = std::vector<Value>;
using Row = std::vector<std::optional<std::string>>;

class Statement {
 public:
  Statement(Client& client, const std::string& text);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  static Error prepare_error(Client& client, const std::string& text);

  // The first result; throws on errors.
  Result execute(const Values& values = {}) { return execute_all(values).front(); }
  std::vector<Result> execute_all(const Values& values);
  // The same types as before: the library does not send them again.
  Result execute_again(const Values& values);
  Error error_of_execute(const Values& values = {});
  void send_long(unsigned parameter, const std::string& data);
  void reset();

  // Rows are fetched in portions of `prefetch`.
  void use_cursor(unsigned long prefetch);
  void start(const Values& values);
  std::optional<Row> fetch();

  MYSQL_STMT* raw() { return statement_; }

 private:
  void bind(const Values& values);
  void fill(const Values& values);
  void run();
  void bind_columns();
  Result read_result();
  Error error() const;
  [[noreturn]] void fail() const;

  const std::string text_;
  MYSQL_STMT* statement_;
  std::vector<MYSQL_BIND> parameters_;
  std::vector<int> numbers_;
  std::vector<std::string> texts_;
  std::vector<unsigned long> lengths_;
  // Of the columns.
  std::vector<MYSQL_BIND> columns_;
  std::vector<unsigned long> column_lengths_;
  std::vector<my_bool> nulls_;
};

}  // namespace weir::test
