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
#include "proxy/core/client_error.h"
#include "proxy/core/drained_servers.h"
#include "proxy/net/stream.h"
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
  virtual const AccountSource& accounts() const = 0;
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

 private:
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

  void on_login_step(Login::Step step);
  void work_off();
  void run(Bytes payload);
  void run_query(std::string_view text);
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
  std::string who() const;
  const Config& config() const { return *host_.targets().process.config; }
  std::shared_ptr<const Topology> latest() const {
    return host_.targets().process.topology.latest();
  }

  AdminHost& host_;
  const std::uint32_t id_;
  std::unique_ptr<Stream> stream_;
  const std::string peer_;
  std::optional<Login> login_;
  Phase phase_ = Phase::login;
  std::string user_;
  protocol::Capabilities capabilities_ = 0;
  bool waiting_ = false;  // other threads have been asked for the answer to a command
  std::optional<Change> change_;
  TimePoint last_activity_;
  std::string inbox_;  // what was received and not worked off
  protocol::CommandReader reader_;
};

}  // namespace weir
