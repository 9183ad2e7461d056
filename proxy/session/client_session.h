// One client: its socket, its login, its commands one after the other, and its end. Loop thread
// only.
//
//   (header) ──> greeting ──> login ──> opening ──> commands ──> closed
//                                         ^             │
//                                         └─ changing <─┘   (COM_CHANGE_USER)
//
// Connections of proxies that are configured so begin with a header, which says where the client
// really connects from.

#pragma once

#include <memory>
#include <optional>
#include <string>

#include "protocol/command_reader.h"
#include "proxy/net/stream.h"
#include "proxy/session/command_runner.h"
#include "proxy/session/login.h"

namespace weir {

class ClientSession;

// Whoever holds the sessions.
class SessionOwner {
 public:
  // The session is over and may be deleted once the current callbacks have returned.
  virtual void on_session_closed(ClientSession& session) = 0;

 protected:
  ~SessionOwner() = default;
};

class ClientSession final : private StreamHandler, private RunnerHost {
 public:
  ClientSession(WorkerContext& context, Pool& pool, ReplyRelay& relay, SessionOwner& owner,
                std::unique_ptr<Stream> stream);
  ~ClientSession();

  // Greets the client, or waits for its header, or until weir knows what the servers are like.
  void start();
  void on_topology_changed();
  // Called a few times a second, for deadlines.
  void tick(TimePoint now);
  // Ends as soon as no command is under way and no transaction open.
  void drain();
  // Ends now, with a word to the client.
  void shut_down();

  std::uint32_t id() const { return id_; }

  PinSet pins() const { return runner_.pins(); }
  SessionInfo info() const;

  // KILL, see runner_kill.cc.
  KillTarget as_kill_target() { return runner_.as_kill_target(); }
  void on_kill_target(std::uint32_t id, const std::optional<KillTarget>& target) {
    runner_.on_kill_target(id, target);
  }
  // SHOW PROCESSLIST, see runner_processlist.cc.
  void add_held_threads(std::vector<HeldThread>& threads) const {
    runner_.add_held_threads(threads);
  }
  void on_held_threads(const std::vector<std::vector<HeldThread>>& by_worker) {
    runner_.on_held_threads(by_worker);
  }
  // Ends the session as a server would: without a word.
  void kill() { close(); }
  // Bytes that are kept for it, about.
  std::size_t memory() const;
  // Ends the session for limits.memory.
  void run_out_of_memory();
  // Ends its command, unless that runs on a server.
  void interrupt() { runner_.interrupt(); }

 private:
  enum class Phase : std::uint8_t { header, greeting, login, opening, commands, changing, closed };

  void on_stream_read(std::span<std::uint8_t> bytes) override;
  void on_stream_ended(int error) override;
  void on_stream_drained() override;

  Stream& client() override { return *stream_; }
  const std::optional<IpAddress>& client_address() const override { return address_; }
  std::uint32_t session_id() const override { return id_; }
  std::uint8_t answer_sequence() const override { return reader_.next_sequence(); }
  void on_opened(protocol::ServerStatus status) override;
  void on_open_failed(const std::string& error_payload) override;
  void on_open_denied() override;
  bool on_password_wanted() override;
  void on_command_done() override;
  void on_input_wanted() override;
  void on_input_unwanted() override;
  void on_session_over() override { close(); }

  void on_header_bytes(Bytes bytes);
  void admit();
  void greet();
  bool is_secure() const { return secure_ || stream_->has_tls(); }
  void begin_tls();
  void use_gate();
  void note_refused_login(const ClientError& error);
  void note_wrong_password(const std::string& user);
  void on_login_bytes(Bytes bytes);
  void on_login_step(Login::Step step);
  void check_password(protocol::PasswordCheck check);
  void on_accepted();
  void begin_compression();
  void begin_change_user(Bytes frame);
  void consume(std::span<std::uint8_t> bytes);
  bool takes_input() const;
  std::size_t take_step(std::span<std::uint8_t> bytes);
  void keep(Bytes bytes);
  void resume_input();
  void refuse(const ClientError& error, std::uint8_t sequence);
  void close();

  WorkerContext& context_;
  SessionOwner& owner_;
  std::unique_ptr<Stream> stream_;
  std::string peer_;                  // "10.0.0.1:4711" or "unix": where the client connects from
  std::optional<IpAddress> address_;  // of it; nothing: a unix socket
  bool secure_;                       // nobody can listen in: a unix socket of weir's own
  StrangerPlace place_;               // among those of its address
  std::unique_ptr<Login> login_;
  Phase phase_ = Phase::greeting;
  bool consuming_ = false;
  bool resume_asked_ = false;
  bool draining_ = false;
  bool checking_ = false;      // a password is compared elsewhere; the client owes nothing
  bool limited_user_ = false;  // counts among its user's connections
  std::uint8_t login_sequence_ = 0;
  TlsContextPtr tls_;  // that was offered; null: none was
  std::uint32_t id_;
  TimePoint last_activity_;
  TimePoint idle_since_{};  // the last command, or the login, was over
  std::string inbox_;       // input that cannot be worked off yet
  protocol::CommandReader reader_;
  CommandRunner runner_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for calls that are made later
};

}  // namespace weir
