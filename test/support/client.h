// A MySQL client for tests: libmysqlclient with values for answers and exceptions for errors.

#pragma once

#include <mysql.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::test {

// What a client wants of TLS. All files are PEM; empty: none.
struct WantedTls {
  bool on = false;
  std::string ca = {};  // and the certificate must be for 127.0.0.1
  std::string cert = {};
  std::string key = {};
};

// Where a client connects, and as whom.
struct Login {
  std::string user;
  std::string password;
  std::uint16_t port = 0;
  std::string socket = {};  // instead of the port
  std::string schema = {};
  unsigned long flags = 0;  // CLIENT_MULTI_STATEMENTS and the like
  bool local_files = false;
  std::string charset = {};
  WantedTls tls = {};
  std::string plugin = {};  // the authentication method to begin with; empty: the library's choice
};

// What a server (or the library) answered instead of a result; `code` 0: there was no error.
struct Error {
  unsigned code = 0;
  std::string sqlstate;
  std::string text;
};
bool operator==(const Error& left, const Error& right);
std::ostream& operator<<(std::ostream& out, const Error& error);

class ServerError : public std::runtime_error {
 public:
  ServerError(const std::string& what, Error error);
  const Error& error() const { return error_; }
  unsigned code() const { return error_.code; }

 private:
  Error error_;
};

struct Result {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::uint64_t affected = 0;
  std::uint64_t insert_id = 0;
  unsigned warnings = 0;

  // The first column of the first row; "NULL" for NULL. Throws when there is no row.
  std::string value() const;
  // All of it, a line for each row and "|" between columns.
  std::string text() const;
};

class Client {
 public:
  explicit Client(const Login& login);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Of the TLS between this client and what it is connected to; empty: there is none.
  std::string cipher() const;

  // The first result; those after it are read and dropped.
  Result query(const std::string& statement);
  // Every result. Throws at the first error.
  std::vector<Result> results(const std::string& statement);
  std::string value(const std::string& statement) { return query(statement).value(); }
  std::string text(const std::string& statement) { return query(statement).text(); }
  // The error of a statement that should fail; code 0 when it does not.
  Error error_of(const std::string& statement);
  // Does not wait for the answer.
  void send(const std::string& statement);
  // The answer to what was sent.
  Result receive();

  void use(const std::string& schema);
  void reset();
  Error change_user(const std::string& user, const std::string& password,
                    const std::string& schema = {});
  bool ping();
  // Drops the connection without a word to the server, as a killed client does.
  void vanish();

  MYSQL* raw() { return mysql_; }
  // The last error of the library's connection.
  Error error() const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  Result read_result(const std::string& what);

  MYSQL* mysql_;
};

// The error of a login that should fail; code 0 when it does not.
Error login_error(const Login& login);

}  // namespace weir::test
