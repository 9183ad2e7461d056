// One client of the admin console: its login, its commands one after the other, and its end. On the
// console's own thread only.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "protocol/command_reader.h"
#include "protocol/result_set.h"
#include "proxy/admin/admin_command.h"
#include "proxy/admin/console_accounts.h"
#include "proxy/config/network.h"
#include "proxy/core/client_error.h"
#include "proxy/core/drained_servers.h"
#include "proxy/core/refusal.h"
#include "proxy/core/stranger_limits.h"
#include "proxy/net/stream.h"
#include "proxy/net/stream_tls.h"
#include "proxy/session/login.h"
#include "proxy/session/status_survey.h"
#include "proxy/worker_context.h"

namespace weir {

class AdminSession;

// What the console is about. Outlives it.
struct AdminTargets {
  ProcessContext& process;
  DrainedServers& drained;
  std::function<void()> judge_again;  // has the monitor take notice of `drained`
};

// The console, as its sessions need it.
class AdminHost {
 public:
  virtual const AdminTargets& targets() const = 0;
  virtual const ConsoleAccounts& accounts() const = 0;
  virtual const KnownOperator& known_operator() const = 0;
  // Of the console alone: what somebody does at the clients' door closes none here, nor the other
  // way round.
  virtual StrangerLimits& strangers() = 0;
  // Whether there is a place for one more, who is here already; another stranger may have to go.
  virtual bool make_room(const AdminSession& newcomer) = 0;
  // Viewers leave some places to operators.
  virtual bool has_room_for_viewer() const = 0;
  virtual void note_refusal(Refusal why, const std::string& peer, const std::string& user) = 0;
  virtual uv_loop_t* loop() = 0;
  virtual TlsShared& tls() = 0;
  virtual TimePoint now() const = 0;
  // From any thread: calls the action on the console's own, unless the session is gone by then.
  virtual void post(std::uint32_t session, std::function<void()> action) = 0;
  // The session is over, and is deleted once the current callbacks have returned.
  virtual void on_session_closed(AdminSession& session) = 0;

 protected:
  ~AdminHost() = default;
};

class AdminSession final : private StreamHandler {
 public:
  AdminSession(AdminHost& host, std::uint32_t id, std::unique_ptr<Stream> stream);
  ~AdminSession();

  void start();
  // Called many times a second, for deadlines.
  void tick();
  void close();

  std::uint32_t id() const { return id_; }
  // Nobody knows yet who it is.
  bool is_stranger() const { return phase_ == Phase::login; }
  bool is_viewer() const { return !is_stranger() && !host_.accounts().is_operator(user_); }

 private:
  // Drivers decide by the version which variables and methods a server has.
  static constexpr std::string_view kVersion = "8.4.0-weir";

  enum class Phase : std::uint8_t { login, commands, closed };

  // A server that was drained or enabled, which not everybody has noticed yet.
  struct Change {
    std::size_t server = 0;
    std::string name;
    bool drained = false;
    TimePoint begun{};
  };

  void on_stream_read(std::span<std::uint8_t> bytes) override;
  void on_stream_ended(int error) override;
  void on_stream_drained() override;

  // Who is known without a password has no limits, either: what others do on the same socket must
  // not keep them out.
  bool is_known() const { return source_ != &host_.accounts(); }
  bool has_place();
  void greet();
  void begin_tls();
  void on_login_step(Login::Step step);
  void check_password(protocol::PasswordCheck check);
  void on_refused(const ClientError& error);
  void on_accepted();
  void work_off();
  void run(Bytes payload);
  void run_query(std::string_view text);
  void run_command(const AdminCommand& command);
  void refuse_order();
  void run_show(AdminCommand::Kind kind);
  void show_firewall(const WorkerStatus& status);
  void select_constants(const std::vector<AdminCommand::Item>& items);
  void explain_route(const std::string& sql);
  void change_server(const std::string& name, bool drained);
  void look_for_change();
  void kill_session(std::uint32_t id);

  void ask_status(std::function<void(const WorkerStatus&)> then);
  void resume(std::function<void()> answer);
  void answer_table(const protocol::ResultSet& set);
  void answer_ok();
  void answer_error(const ClientError& error);
  void refuse(const ClientError& error, std::uint8_t sequence);
  void log_order(std::string_view result);
  std::string who() const;
  std::string client_host() const;  // the client's address, or "localhost"
  ClientAddress client_address() const { return weir::client_address(address_of_peer(peer_)); }
  const Config& config() const { return *host_.targets().process.config; }
  std::shared_ptr<const Topology> latest() const {
    return host_.targets().process.topology.latest();
  }

  AdminHost& host_;
  const std::uint32_t id_;
  std::unique_ptr<Stream> stream_;
  const std::string peer_;
  const AccountSource* source_;  // by which it may log in
  StrangerPlace place_;          // among those of its address
  TlsContextPtr tls_;            // that was offered; null: none was
  std::optional<Login> login_;
  Phase phase_ = Phase::login;
  bool checking_ = false;  // a password is compared elsewhere; the client owes nothing
  std::string user_;
  protocol::Capabilities capabilities_ = 0;
  bool waiting_ = false;  // other threads have been asked for the answer to a command
  std::optional<Change> change_;
  std::string order_;  // under way, for the log; empty: none
  TimePoint last_activity_;
  std::string inbox_;  // what was received and not worked off
  protocol::CommandReader reader_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for calls that are made later
};

}  // namespace weir
