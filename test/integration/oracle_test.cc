// Real servers as judges of the corpus: a line that claims "any" must run in a read-only
// transaction, and a replica must answer it as the primary does. The judgement is one-sided: such a
// transaction also admits GET_LOCK, user variables and temporary tables, so a line that passes here
// may still be wrong.
//
// Needs a running cluster: WEIR_TEST_CLUSTER names the folder that holds its cluster.env.

#include <mysql.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "test/support/catch.h"
#include "test/support/sql_corpus.h"

namespace weir::test {
namespace {

constexpr unsigned kReadOnlyTransaction = 1792;  // ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION

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
  // `server` is the beginning of the environment's keys: "DB1" for the primary.
  Connection(const Environment& env, const std::string& server, const std::string& role)
      : mysql_(mysql_init(nullptr), &mysql_close) {
    if (!mysql_) throw std::runtime_error("no memory for a connection");
    mysql_options(mysql_.get(), MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const auto port = static_cast<unsigned>(std::stoul(env.at(server + "_PORT")));
    if (!mysql_real_connect(mysql_.get(), env.at("HOST").c_str(), env.at(role + "_USER").c_str(),
                            env.at(role + "_PASSWORD").c_str(), nullptr, port, nullptr,
                            CLIENT_MULTI_STATEMENTS)) {
      throw std::runtime_error(std::string("cannot connect: ") + mysql_error(mysql_.get()));
    }
  }

  // Runs a text and reads every result to its end, into rows(). Returns the error's number, 0 for
  // none.
  unsigned run(std::string_view sql) {
    rows_.clear();
    if (mysql_real_query(mysql_.get(), sql.data(), static_cast<unsigned long>(sql.size()))) {
      return mysql_errno(mysql_.get());
    }
    int more = 0;
    do {
      if (auto* const result = mysql_use_result(mysql_.get())) {
        while (const auto row = mysql_fetch_row(result)) keep(result, row);
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

  // What the last text answered; in no order, as none was asked for by most.
  std::vector<std::string> rows() const {
    auto out = rows_;
    std::sort(out.begin(), out.end());
    return out;
  }

  std::string error() const {
    return std::to_string(mysql_errno(mysql_.get())) + " " + mysql_error(mysql_.get());
  }

 private:
  void keep(MYSQL_RES* result, MYSQL_ROW row) {
    const auto* const lengths = mysql_fetch_lengths(result);
    auto& out = rows_.emplace_back();
    for (unsigned i = 0; i < mysql_num_fields(result); ++i) {
      out += row[i] ? "[" + std::string(row[i], lengths[i]) + "]" : "NULL";
    }
  }

  std::vector<std::string> rows_;
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

// Loads the schema into the primary, and waits until the first replica has it.
void load_schema(const Environment& env) {
  Connection root(env, "DB1", "ROOT");
  const auto content = read_file(std::string(WEIR_CORPUS_DIR) + "/schema.sql");
  for (const auto& statement : schema_statements(content, env.at("FLAVOR")))
    root.require(statement);
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const auto mark = std::to_string(now);
  root.require("CREATE TABLE corpus.loads (mark BIGINT PRIMARY KEY)");
  root.require("INSERT INTO corpus.loads VALUES (" + mark + ")");

  Connection replica(env, "DB2", "ROOT");
  for (int attempt = 0; attempt < 300; ++attempt) {
    const auto error = replica.run("SELECT mark FROM corpus.loads WHERE mark = " + mark);
    if (!error && !replica.rows().empty()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error("the replica does not follow");
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

// What a server says to a line: rows, or the error as the only one. It is always the same moment.
std::vector<std::string> answer(Connection& connection, const CorpusLine& line) {
  prepare_session(connection, line.options);
  connection.require("SET SESSION timestamp = 1700000000");
  auto out = connection.run(line.text) ? std::vector{connection.error()} : connection.rows();
  connection.require("ROLLBACK");
  return out;
}

// The lines that the cluster's servers can judge, and the cluster. Nothing when there is no
// cluster.
struct Court {
  Environment env;
  std::vector<CorpusLine> lines;
};

std::optional<Court> open_court() {
  const char* const dir = std::getenv("WEIR_TEST_CLUSTER");
  if (!dir) {
    WARN("WEIR_TEST_CLUSTER is not set: nothing was asked");
    return std::nullopt;
  }
  Court court{read_environment(std::string(dir) + "/cluster.env"), {}};
  for (auto& line : load_sql_corpus(WEIR_CORPUS_DIR)) {
    const bool judged = line.placement == sql::Placement::any && line.oracle;
    if (judged && understood_by(line, court.env.at("FLAVOR"))) court.lines.push_back(line);
  }
  load_schema(court.env);
  return court;
}

}  // namespace

TEST_CASE("what the corpus calls safe runs in a read-only transaction", "[oracle]") {
  const auto court = open_court();
  if (!court) return;
  Connection connection(court->env, "DB1", "APP");
  std::string tolerated;
  std::size_t failures = 0;
  for (const auto& line : court->lines) {
    prepare_session(connection, line.options);
    connection.require("START TRANSACTION READ ONLY");
    const auto error = connection.run(line.text);
    const auto message = line.where() + ": " + connection.error() + " for [" + line.text + "]\n";
    if (error == kReadOnlyTransaction) {
      FAIL_CHECK(message);
    } else if (error) {
      tolerated += message;
      ++failures;
    }
    connection.require("ROLLBACK");
  }
  INFO("asked " << court->lines.size() << ", failed for other reasons " << failures);
  CHECK(court->lines.size() > 300);
  CHECK(failures * 20 < court->lines.size());
  if (failures != 0) WARN(tolerated);
}

TEST_CASE("what the corpus calls safe is answered alike by primary and replica", "[oracle]") {
  const auto court = open_court();
  if (!court) return;
  Connection primary(court->env, "DB1", "APP");
  Connection replica(court->env, "DB2", "APP");
  for (const auto& line : court->lines) {
    if (!line.repeatable) continue;
    const auto expected = answer(primary, line);
    const auto got = answer(replica, line);
    if (expected != got) FAIL_CHECK(line.where() << ": answers differ for [" << line.text << "]");
  }
}

}  // namespace weir::test
