// Real servers as judges of the corpus: a line that claims "any" must run in a read-only transaction.
// The judgement is one-sided: such a transaction also admits GET_LOCK, user variables and temporary
// tables, so a line that passes here may still be wrong.
//
// Needs a running cluster: WEIR_TEST_CLUSTER names the folder that holds its cluster.env.

#include <mysql.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/catch.h"
#include "test/support/sql_corpus.h"

namespace weir::test {
namespace {

constexpr unsigned kReadOnlyTransaction = 1792;   // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION

using Environment = std::map<std::string, std::string>;

Environment read_environment(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  Environment out;
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) out[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return out;
}

// One connection, closed with the object.
class Connection {
 public:
  Connection(const Environment& env, const std::string& user, const std::string& password)
      : mysql_(mysql_init(nullptr), &mysql_close) {
    if (!mysql_) throw std::runtime_error("no memory for a connection");
    mysql_options(mysql_.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const auto port = static_cast<unsigned>(std::stoul(env.at("DB1_PORT")));
    if (!mysql_real_connect(mysql_.get(), env.at("HOST").c_str(), user.c_str(), password.c_str(),
                            nullptr, port, nullptr, CLIENT_MULTI_STATEMENTS)) {
      throw std::runtime_error(std::string("cannot connect: ") + mysql_error(mysql_.get()));
    }
  }

  // Runs a text and reads every result to its end. Returns the error's number, 0 for none.
  unsigned run(std::string_view sql) {
    if (mysql_real_query(mysql_.get(), sql.data(), static_cast<unsigned long>(sql.size()))) {
      return mysql_errno(mysql_.get());
    }
    int more = 0;
    do {
      if (auto* const result = mysql_use_result(mysql_.get())) {
        while (mysql_fetch_row(result)) {
        }
        mysql_free_result(result);
      }
      if (const auto error = mysql_errno(mysql_.get())) return error;
      more = mysql_next_result(mysql_.get());
    } while (more == 0);
    return more > 0 ? mysql_errno(mysql_.get()) : 0;
  }

  // The same for a text that has to succeed.
  void require(std::string_view sql) {
    if (run(sql)) throw std::runtime_error(error() + " in: " + std::string(sql));
  }

  std::string error() const {
    return std::to_string(mysql_errno(mysql_.get())) + " " + mysql_error(mysql_.get());
  }

 private:
  std::unique_ptr<MYSQL, decltype(&mysql_close)> mysql_;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The statements of schema.sql for one flavor: a statement ends with ";;" at the end of a line.
std::vector<std::string> schema_statements(const std::string& content, const std::string& flavor) {
  std::vector<std::string> out;
  for (std::size_t begin = 0;;) {
    const auto end = content.find(";;\n", begin);
    if (end == std::string::npos) return out;
    const auto first = content.find_first_not_of('\n', begin);
    const auto statement = content.substr(first, end - first);
    begin = end + 3;
    const std::string other = flavor == "mysql" ? "-- mariadb\n" : "-- mysql\n";
    if (!statement.starts_with(other)) out.push_back(statement);
  }
}

void load_schema(const Environment& env) {
  Connection root(env, env.at("ROOT_USER"), env.at("ROOT_PASSWORD"));
  const auto content = read_file(std::string(WEIR_CORPUS_DIR) + "/schema.sql");
  for (const auto& statement : schema_statements(content, env.at("FLAVOR"))) root.require(statement);
}

bool understood_by(const CorpusLine& line, const std::string& flavor) {
  if (line.flavor == CorpusFlavor::both) return true;
  return (line.flavor == CorpusFlavor::mysql) == (flavor == "mysql");
}

// The session state that the line's options speak of.
void prepare_session(Connection& connection, const sql::TextOptions& options) {
  std::string mode = "STRICT_TRANS_TABLES";
  if (options.ansi_quotes) mode += ",ANSI_QUOTES";
  if (options.no_backslash_escapes) mode += ",NO_BACKSLASH_ESCAPES";
  connection.require(options.ascii_safe_charset ? "SET NAMES utf8mb4" : "SET NAMES gbk");
  connection.require("SET SESSION sql_mode = '" + mode + "'");
  connection.require("USE corpus");
}

}  // namespace

TEST_CASE("what the corpus calls safe runs in a read-only transaction", "[oracle]") {
  const char* const dir = std::getenv("WEIR_TEST_CLUSTER");
  if (!dir) {
    WARN("WEIR_TEST_CLUSTER is not set: nothing was asked");
    return;
  }
  const auto env = read_environment(std::string(dir) + "/cluster.env");
  load_schema(env);
  Connection connection(env, env.at("APP_USER"), env.at("APP_PASSWORD"));

  std::size_t asked = 0;
  std::vector<std::string> tolerated;
  for (const auto& line : load_sql_corpus(WEIR_CORPUS_DIR)) {
    if (line.placement != sql::Placement::any || !line.oracle) continue;
    if (!understood_by(line, env.at("FLAVOR"))) continue;
    ++asked;
    prepare_session(connection, line.options);
    connection.require("START TRANSACTION READ ONLY");
    const auto error = connection.run(line.text);
    const auto message = line.where() + ": " + connection.error() + " for [" + line.text + "]";
    if (error == kReadOnlyTransaction) {
      FAIL_CHECK(message);
    } else if (error) {
      tolerated.push_back(message);
    }
    connection.require("ROLLBACK");
  }

  std::string list;
  for (const auto& message : tolerated) list += message + "\n";
  INFO("asked " << asked << ", failed for other reasons " << tolerated.size() << ":\n" << list);
  CHECK(asked > 300);
  CHECK(tolerated.size() * 20 < asked);
  if (!tolerated.empty()) WARN(list);
}

}  // namespace weir::test
