#include "test/support/client.h"

#include <sys/socket.h>

#include <utility>

namespace weir::test {
namespace {

// The library takes its time with a server that hangs; a test must not.
constexpr unsigned kTimeoutSeconds = 90;

// The library uses TLS when the server has it; whoever wants it looks at cipher().
void set_tls(MYSQL* mysql, const WantedTls& tls) {
  if (!tls.on) return;
  const my_bool on = 1;
  mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
  if (!tls.cert.empty()) {
    mysql_options(mysql, MYSQL_OPT_SSL_CERT, tls.cert.c_str());
    mysql_options(mysql, MYSQL_OPT_SSL_KEY, tls.key.c_str());
  }
  if (tls.ca.empty()) return;
  mysql_options(mysql, MYSQL_OPT_SSL_CA, tls.ca.c_str());
  mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
}

MYSQL* connect(MYSQL* mysql, const Login& login) {
  const unsigned protocol = login.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
  mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &kTimeoutSeconds);
  mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &kTimeoutSeconds);
  const unsigned local_files = login.local_files ? 1 : 0;
  mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &local_files);
  set_tls(mysql, login.tls);
  const unsigned long packet = 1ul << 30;
  mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
  if (!login.plugin.empty()) mysql_options(mysql, MYSQL_DEFAULT_AUTH, login.plugin.c_str());
  if (!login.charset.empty()) mysql_options(mysql, MYSQL_SET_CHARSET_NAME, login.charset.c_str());
  return mysql_real_connect(mysql, login.socket.empty() ? "127.0.0.1" : nullptr, login.user.c_str(),
                            login.password.c_str(),
                            login.schema.empty() ? nullptr : login.schema.c_str(), login.port,
                            login.socket.empty() ? nullptr : login.socket.c_str(), login.flags);
}

}  // namespace

bool operator==(const Error& left, const Error& right) {
  return left.code == right.code && left.sqlstate == right.sqlstate && left.text == right.text;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
  return out << "ERROR " << error.code << " (" << error.sqlstate << "): " << error.text;
}

ServerError::ServerError(const std::string& what, Error error)
    : std::runtime_error(what.substr(0, 300) + ": ERROR " + std::to_string(error.code) + " (" +
                         error.sqlstate + "): " + error.text),
      error_(std::move(error)) {}

std::string Result::value() const {
  if (rows.empty()) throw std::runtime_error("the result has no row");
  return rows.front().front().value_or("NULL");
}

std::string Result::text() const {
  std::string all;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      all += (i > 0 ? "|" : "") + row[i].value_or("NULL");
    all += "\n";
  }
  return all;
}

Client::Client(const Login& login) : mysql_(mysql_init(nullptr)) {
  if (connect(mysql_, login) != nullptr) return;
  const Error refused = error();
  mysql_close(mysql_);
  throw ServerError("login of " + login.user, refused);
}

Client::~Client() {
  if (mysql_ != nullptr) mysql_close(mysql_);
}

std::string Client::cipher() const {
  const char* const name = mysql_get_ssl_cipher(mysql_);
  return name != nullptr ? name : "";
}

Client::Client(Client&& other) noexcept : mysql_(std::exchange(other.mysql_, nullptr)) {}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(mysql_, other.mysql_);
  return *this;
}

Error Client::error() const {
  return {mysql_errno(mysql_), mysql_sqlstate(mysql_), mysql_error(mysql_)};
}

void Client::fail(const std::string& what) const {
  throw ServerError(what, error());
}

Result Client::read_result(const std::string& what) {
  Result result;
  MYSQL_RES* rows = mysql_store_result(mysql_);
  if (rows == nullptr) {
    if (mysql_errno(mysql_) != 0) fail(what);
    result.affected = mysql_affected_rows(mysql_);
    result.insert_id = mysql_insert_id(mysql_);
    result.warnings = mysql_warning_count(mysql_);
    return result;
  }
  const unsigned columns = mysql_num_fields(rows);
  for (unsigned i = 0; i < columns; ++i) {
    result.columns.emplace_back(mysql_fetch_field_direct(rows, i)->name);
  }
  while (const MYSQL_ROW row = mysql_fetch_row(rows)) {
    const unsigned long* lengths = mysql_fetch_lengths(rows);
    auto& values = result.rows.emplace_back();
    for (unsigned i = 0; i < columns; ++i) {
      values.push_back(row[i] == nullptr ? std::nullopt
                                         : std::optional(std::string(row[i], lengths[i])));
    }
  }
  mysql_free_result(rows);
  result.warnings = mysql_warning_count(mysql_);
  return result;
}

std::vector<Result> Client::results(const std::string& statement) {
  if (mysql_real_query(mysql_, statement.data(), statement.size()) != 0) fail(statement);
  std::vector<Result> all;
  while (true) {
    all.push_back(read_result(statement));
    const int more = mysql_next_result(mysql_);
    if (more > 0) fail(statement);
    if (more < 0) return all;
  }
}

Result Client::query(const std::string& statement) {
  return results(statement).front();
}

Error Client::error_of(const std::string& statement) {
  try {
    results(statement);
    return {};
  } catch (const ServerError& error) {
    return error.error();
  }
}

void Client::send(const std::string& statement) {
  if (mysql_send_query(mysql_, statement.data(), statement.size()) != 0) fail(statement);
}

Result Client::receive() {
  if (mysql_read_query_result(mysql_) != 0) fail("receive");
  return read_result("receive");
}

void Client::use(const std::string& schema) {
  if (mysql_select_db(mysql_, schema.c_str()) != 0) fail("use " + schema);
}

void Client::reset() {
  if (mysql_reset_connection(mysql_) != 0) fail("reset");
}

Error Client::change_user(const std::string& user, const std::string& password,
                          const std::string& schema) {
  const bool changed = mysql_change_user(mysql_, user.c_str(), password.c_str(),
                                         schema.empty() ? nullptr : schema.c_str()) == 0;
  return changed ? Error{} : error();
}

bool Client::ping() {
  return mysql_ping(mysql_) == 0;
}

void Client::vanish() {
  ::shutdown(static_cast<int>(mysql_get_socket(mysql_)), SHUT_RDWR);
  mysql_close(std::exchange(mysql_, nullptr));
}

Error login_error(const Login& login) {
  try {
    const Client client(login);
    return {};
  } catch (const ServerError& error) {
    return error.error();
  }
}

}  // namespace weir::test
