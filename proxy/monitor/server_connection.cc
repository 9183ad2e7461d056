#include "proxy/monitor/server_connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <functional>

#include <fmt/format.h>
#include <mysql.h>
#include <openssl/x509.h>

#include "protocol/auth/nonce.h"
#include "protocol/proxy_header.h"
#include "proxy/monitor/auth_plugins.h"

namespace weir {
namespace {

// The library's own number for "lost connection", used when weir itself gave up waiting.
constexpr unsigned kLost = 2013;
// And for what goes wrong with TLS.
constexpr unsigned kTlsError = 2026;

bool must_have_tls(const ServerTlsConfig& tls) {
  return tls.mode != ServerTlsMode::disabled && tls.mode != ServerTlsMode::preferred;
}

// With TLS the library reads from the socket as that is.
void make_nonblocking(my_socket socket) {
  const int flags = ::fcntl(socket, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
}

// And makes it a blocking one while it connects, where a read or a write then ends after this long.
void bound_blocking(my_socket socket, Milliseconds left) {
  const auto most = std::max(left, Milliseconds(1)).count();
  const timeval timeout{most / 1000, most % 1000 * 1000};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

// Who connects on this thread, and until when. The handshake then waits by itself, and tells the
// function that does the waiting nothing of whose connection it is.
thread_local const std::function<bool(bool reads)>* handshake_wait = nullptr;

int wait_in_handshake(my_socket, my_bool reads, int) {
  return handshake_wait != nullptr && (*handshake_wait)(reads != 0) ? 1 : 0;
}

struct FreeResult {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

std::string own_proxy_header() {
  std::string header;
  protocol::append_proxy_header(header, std::nullopt);
  return header;
}

ResultSet copy_result(MYSQL_RES* stored) {
  ResultSet result;
  const unsigned columns = mysql_num_fields(stored);
  const MYSQL_FIELD* fields = mysql_fetch_fields(stored);
  for (unsigned i = 0; i < columns; ++i) result.columns.emplace_back(fields[i].name);
  while (const MYSQL_ROW row = mysql_fetch_row(stored)) {
    const unsigned long* lengths = mysql_fetch_lengths(stored);
    auto& values = result.rows.emplace_back();
    for (unsigned i = 0; i < columns; ++i) {
      if (row[i] == nullptr) {
        values.emplace_back(std::nullopt);
      } else {
        values.emplace_back(std::string(row[i], lengths[i]));
      }
    }
  }
  return result;
}

// The library initialises itself on first use, but not safely from several threads.
bool begin_with_library() {
  static const bool keeps_passwords = [] {
    mysql_library_init(0, nullptr, nullptr);
    return use_auth_plugins();
  }();
  return keeps_passwords;
}

}  // namespace

ServerConnection::ServerConnection(const ServerTlsConfig& tls, int wake_fd)
    : tls_(tls), wake_fd_(wake_fd), keeps_passwords_(begin_with_library()) {}

ServerConnection::~ServerConnection() {
  close();
}

void ServerConnection::close() {
  if (mysql_ == nullptr) return;
  // The farewell that mysql_close sends must not wait for a server that hangs.
  if (const my_socket fd = mysql_get_socket(mysql_); fd >= 0) ::shutdown(fd, SHUT_RDWR);
  mysql_close(mysql_);
  mysql_ = nullptr;
  connected_ = false;
}

void ServerConnection::prepare_options() {
  mysql_options(mysql_, MYSQL_OPT_NONBLOCK, nullptr);
  mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const unsigned no_files = 0;  // a server may not ask for files of this machine
  mysql_options(mysql_, MYSQL_OPT_LOCAL_INFILE, &no_files);
  // Whatever a server asks for, nothing gives the password away.
  mysql_options(mysql_, MARIADB_OPT_RESTRICTED_AUTH,
                "mysql_native_password,caching_sha2_password,client_ed25519,parsec");
  const my_bool no_reconnect = 0;
  mysql_options(mysql_, MYSQL_OPT_RECONNECT, &no_reconnect);
  mysql_optionsv(mysql_, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "weir monitor");
}

// The library goes on without TLS when the server offers none: connect() looks afterwards.
void ServerConnection::ask_for_tls() {
  const my_bool on = 1;
  mysql_options(mysql_, MYSQL_OPT_SSL_ENFORCE, &on);
  mysql_options(mysql_, MARIADB_OPT_IO_WAIT, reinterpret_cast<const void*>(wait_in_handshake));
  if (!tls_.cert.empty()) {
    mysql_options(mysql_, MYSQL_OPT_SSL_CERT, tls_.cert.c_str());
    mysql_options(mysql_, MYSQL_OPT_SSL_KEY, tls_.key.c_str());
  }
  if (tls_.mode == ServerTlsMode::required) return;
  if (!tls_.ca.empty()) {
    mysql_options(mysql_, MYSQL_OPT_SSL_CA, tls_.ca.c_str());
  } else {
    mysql_options(mysql_, MYSQL_OPT_SSL_CAPATH, X509_get_default_cert_dir());
  }
  if (tls_.mode == ServerTlsMode::verify_identity) {
    mysql_options(mysql_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
  }
}

ServerConnection::Failure ServerConnection::connect(const Login& login, TimePoint deadline) {
  close();
  gave_up_ = false;
  const bool local = login.address.is_unix();
  const bool wants_tls = must_have_tls(tls_) && !local;
  if (wants_tls && !keeps_passwords_) {
    return {kTlsError,
            "the client library has loaded a caching_sha2_password of its own, which "
            "may give the password away; unset LIBMYSQL_PLUGINS"};
  }
  mysql_ = mysql_init(nullptr);
  if (mysql_ == nullptr) return {kLost, "out of memory"};
  prepare_options();
  if (login.proxy_protocol) {
    static const std::string header = own_proxy_header();  // the library keeps the address only
    mysql_optionsv(mysql_, MARIADB_OPT_PROXY_HEADER, header.data(), header.size());
  }
  if (wants_tls) ask_for_tls();
  const unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  mysql_options(mysql_, MYSQL_OPT_PROTOCOL, &protocol);
  const std::function<bool(bool)> wait_for = [&](bool reads) {
    const int event = reads ? MYSQL_WAIT_READ : MYSQL_WAIT_WRITE;
    return wait(event, deadline) == event;
  };
  handshake_wait = &wait_for;
  MYSQL* result = nullptr;
  const int waiting_for = mysql_real_connect_start(
      &result, mysql_, local ? nullptr : login.address.host.c_str(), login.user.c_str(),
      login.password.c_str(), nullptr, login.address.port,
      local ? login.address.unix_path.c_str() : nullptr, CLIENT_MULTI_STATEMENTS);
  drive(waiting_for, deadline,
        [&](int happened) { return mysql_real_connect_cont(&result, mysql_, happened); });
  handshake_wait = nullptr;
  const bool in_clear = result != nullptr && mysql_get_ssl_cipher(mysql_) == nullptr;
  if (result != nullptr && !(in_clear && wants_tls)) {
    make_nonblocking(mysql_get_socket(mysql_));
    connected_ = true;
    return wants_tls ? ask_for_echo(deadline) : Failure{};
  }
  Failure failed = failure();
  const unsigned long offered = mysql_->server_capabilities;  // 0: it has not greeted
  if (wants_tls && offered != 0 && (offered & CLIENT_SSL) == 0) {
    failed = {kTlsError, "the server offers no TLS, and tls.server.mode does not do without"};
  }
  close();
  return failed;
}

// What has come in clear behind the greeting the library takes for something that came through TLS:
// the login's OK, for one, and then every answer for that of the next question. Whoever sent it did
// not know what would be asked first.
ServerConnection::Failure ServerConnection::ask_for_echo(TimePoint deadline) {
  const auto nonce = protocol::make_nonce();
  if (!nonce) {
    close();
    return {kTlsError, "no randomness to be had from the system"};
  }
  const std::string word = fmt::format("{:02x}", fmt::join(*nonce, ""));
  const ServerReply reply = query("SELECT '" + word + "'", deadline);
  if (reply.error != 0) {
    close();
    return {reply.error, reply.message};
  }
  const bool echoed = reply.results.size() == 1 && reply.results[0].rows.size() == 1 &&
                      reply.results[0].rows[0] == std::vector<std::optional<std::string>>{word};
  if (echoed) return {};
  close();
  return {kTlsError,
          "answers have come before they were asked for: somebody may be between weir and the "
          "server"};
}

ServerReply ServerConnection::query(const std::string& text, TimePoint deadline) {
  gave_up_ = false;
  ServerReply reply;
  int failed = 0;
  const int waiting_for = mysql_real_query_start(&failed, mysql_, text.data(), text.size());
  drive(waiting_for, deadline,
        [&](int happened) { return mysql_real_query_cont(&failed, mysql_, happened); });
  if (failed == 0) {
    read_results(reply, deadline);
  } else {
    const Failure why = failure();
    reply.error = why.error;
    reply.message = why.message;
  }
  if (reply.lost()) close();
  return reply;
}

void ServerConnection::read_results(ServerReply& reply, TimePoint deadline) {
  int more = 0;
  while (more == 0) {
    MYSQL_RES* stored = nullptr;
    drive(mysql_store_result_start(&stored, mysql_), deadline,
          [&](int happened) { return mysql_store_result_cont(&stored, mysql_, happened); });
    if (stored != nullptr) {
      const std::unique_ptr<MYSQL_RES, FreeResult> owner(stored);
      reply.results.push_back(copy_result(stored));
    } else if (mysql_errno(mysql_) != 0) {
      break;
    }
    drive(mysql_next_result_start(&more, mysql_), deadline,
          [&](int happened) { return mysql_next_result_cont(&more, mysql_, happened); });
  }
  // -1: there is no further result; otherwise something failed on the way.
  if (more == -1) return;
  const Failure why = failure();
  reply.error = why.error;
  reply.message = why.message;
}

// Runs an operation of the library to its end. Once it was decided to give up, the library is told
// "timeout" until it has unwound: abandoning an operation half-way would leak what it holds.
template <class Step>
void ServerConnection::drive(int waiting_for, TimePoint deadline, Step step) {
  while (waiting_for != 0) waiting_for = step(wait(waiting_for, deadline));
}

int ServerConnection::wait(int waiting_for, TimePoint deadline) {
  if (gave_up_) return MYSQL_WAIT_TIMEOUT;
  pollfd fds[2] = {{mysql_get_socket(mysql_), 0, 0}, {wake_fd_, POLLIN, 0}};
  if ((waiting_for & MYSQL_WAIT_READ) != 0) fds[0].events |= POLLIN;
  if ((waiting_for & MYSQL_WAIT_WRITE) != 0) fds[0].events |= POLLOUT;
  if ((waiting_for & MYSQL_WAIT_EXCEPT) != 0) fds[0].events |= POLLPRI;
  // Also when the deadline has passed, poll looks once: if the answer is here (this process was
  // paused meanwhile), the server was not late.
  const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
  if (!connected_) {
    make_nonblocking(fds[0].fd);
    bound_blocking(fds[0].fd, left);
  }
  const int timeout = static_cast<int>(std::clamp<Milliseconds::rep>(left.count(), 0, 1 << 30));
  int ready = 0;
  do {
    ready = ::poll(fds, 2, timeout);
  } while (ready < 0 && errno == EINTR);
  if (fds[0].revents != 0) {
    int happened = 0;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0) happened |= MYSQL_WAIT_READ;
    if ((fds[0].revents & (POLLOUT | POLLHUP | POLLERR)) != 0) happened |= MYSQL_WAIT_WRITE;
    if ((fds[0].revents & POLLPRI) != 0) happened |= MYSQL_WAIT_EXCEPT;
    return happened & waiting_for;
  }
  gave_up_ = true;
  // With TLS the library goes on reading after a timeout; at the end of the stream it does not.
  ::shutdown(fds[0].fd, SHUT_RDWR);
  gave_up_why_ = fds[1].revents != 0 ? "the monitor is stopping"
                 : connected_        ? "no answer in time"
                                     : "no connection in time";
  return MYSQL_WAIT_TIMEOUT;
}

ServerConnection::Failure ServerConnection::failure() const {
  if (gave_up_) return {kLost, gave_up_why_};
  const unsigned error = mysql_errno(mysql_);
  return {error != 0 ? error : kLost, mysql_error(mysql_)};
}

std::string ServerConnection::greeting_version() const {
  return connected_ ? mysql_get_server_info(mysql_) : "";
}

protocol::Capabilities ServerConnection::greeting_capabilities() const {
  unsigned long flags = 0;
  unsigned long further = 0;
  if (!connected_ ||
      mariadb_get_infov(mysql_, MARIADB_CONNECTION_SERVER_CAPABILITIES, &flags) != 0 ||
      mariadb_get_infov(mysql_, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &further) != 0) {
    return 0;
  }
  return (flags & 0xffffffff) | (protocol::Capabilities{further & 0xffffffff} << 32);
}

unsigned ServerConnection::greeting_collation() const {
  return connected_ ? mysql_->server_language : 0;
}

}  // namespace weir
