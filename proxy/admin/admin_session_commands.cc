// What the commands of the console do.

#include <fmt/format.h>

#include <utility>

#include "proxy/admin/admin_session.h"
#include "proxy/admin/admin_tables.h"
#include "proxy/core/route_answer.h"
#include "proxy/core/rules.h"
#include "proxy/session/client_session.h"
#include "sql_classifier/classifier.h"
#include "sql_classifier/digest.h"

namespace weir {
namespace {

// The monitor judges within an interval; this is for the case that it hangs.
constexpr std::chrono::seconds kChangePatience{5};

}  // namespace

void AdminSession::run_query(std::string_view text) {
  const AdminCommand command = parse_admin_command(text);
  if (is_order(command.kind)) {
    order_ = order_text(command);
    if (!host_.accounts().is_operator(user_)) return refuse_order();
  }
  run_command(command);
}

void AdminSession::refuse_order() {
  answer_error({1227, "42000",
                fmt::format("weir: {} is the operator's, and '{}' may only look; log in to the "
                            "console as '{}' (auth.admin_user)",
                            order_, user_, host_.accounts().operator_name())});
}

void AdminSession::run_command(const AdminCommand& command) {
  using Kind = AdminCommand::Kind;
  switch (command.kind) {
    case Kind::explain_route:
      return explain_route(command.text);
    case Kind::drain_server:
      return change_server(command.name, true);
    case Kind::enable_server:
      return change_server(command.name, false);
    case Kind::kill_session:
      return kill_session(command.session);
    case Kind::constants:
      return select_constants(command.items);
    case Kind::accept:
      return answer_ok();
    case Kind::empty:
      return answer_error({1065, "42000", "Query was empty"});
    case Kind::unknown:
      return answer_error({1064, "42000", unknown_command_text(command.text)});
    default:
      return run_show(command.kind);
  }
}

void AdminSession::run_show(AdminCommand::Kind kind) {
  using Kind = AdminCommand::Kind;
  switch (kind) {
    case Kind::show_servers:
      return ask_status([this](const WorkerStatus& status) {
        answer_table(servers_table(config(), *latest(), status));
      });
    case Kind::show_pools:
      return ask_status([this](const WorkerStatus& status) {
        answer_table(pools_table(config(), *latest(), status));
      });
    case Kind::show_pins:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(pins_table(status.pins)); });
    case Kind::show_counters:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(counters_table(status)); });
    case Kind::show_rules:
      return ask_status(
          [this](const WorkerStatus& status) { answer_table(rules_table(config(), status)); });
    case Kind::show_firewall:
      return ask_status([this](const WorkerStatus& status) { show_firewall(status); });
    case Kind::show_sessions:
      waiting_ = true;
      return survey_sessions(
          *host_.targets().process.directory,
          [this, &host = host_, id = id_](std::vector<SessionInfo> sessions) {
            host.post(id, [this, sessions = std::move(sessions)] {
              resume([&] { answer_table(sessions_table(config(), *latest(), sessions)); });
            });
          });
    case Kind::show_config:
      return answer_table(config_table(config()));
    case Kind::show_warnings:
      return answer_table(no_warnings_table());
    default:
      return answer_table(help_table());
  }
}

void AdminSession::show_firewall(const WorkerStatus& status) {
  const Firewall* const firewall = host_.targets().process.firewall;
  if (firewall == nullptr) return answer_table(firewall_table(config(), nullptr, {}, status));
  const auto lists = firewall->lists();
  answer_table(firewall_table(config(), lists.get(), firewall->learnt(), status));
}

void AdminSession::select_constants(const std::vector<AdminCommand::Item>& items) {
  const AdminCommand::Item* unknown = nullptr;
  const auto table =
      constants_table(items, {std::string(kVersion), user_, client_host(), id_}, unknown);
  if (table) return answer_table(*table);
  if (unknown->kind == AdminCommand::Item::Kind::variable) {
    return answer_error(
        {1193, "HY000", fmt::format("Unknown system variable '{}'", unknown->text)});
  }
  answer_error({1305, "42000", fmt::format("FUNCTION {} does not exist", unknown->text)});
}

// For a session that has done nothing yet, and of which nothing else is known.
void AdminSession::explain_route(const std::string& sql) {
  const RoutingConfig& routing = config().routing;
  sql::TextOptions options;
  options.hints = routing.hints;
  std::string room;
  RuleText text(sql, options, room);
  RuleInput input;
  input.text = &text;
  const auto rules = RuleSet::make(config());
  const Rule* rule = rules != nullptr ? rules->match(input) : nullptr;
  const Route route = decide(sql::classify(sql, options), {}, routing, rule);
  const auto topology = host_.targets().process.topology.latest();
  answer_table(route_table(route, server_for_stranger(route, *topology, routing),
                           digest_text(sql::digest(sql, options))));
}

// --- what changes something ----------------------------------------------------------------------

void AdminSession::change_server(const std::string& name, bool drained) {
  const auto topology = latest();
  const auto server = find_server(config(), *topology, name);
  if (!server) return answer_error({1210, "HY000", unknown_server_text(config(), *topology, name)});
  host_.targets().drained.set(*server, drained);
  host_.targets().judge_again();
  waiting_ = true;
  change_ = Change{*server, name, drained, host_.now()};
}

// The answer is sent when every worker obeys. A topology is on the board only after all workers
// have been sent it, and a worker takes it before it answers a question that was asked later.
void AdminSession::look_for_change() {
  const Change change = *change_;
  const auto topology = host_.targets().process.topology.latest();
  const bool published =
      change.server < topology->servers.size() &&
      (topology->servers[change.server].health == Health::drained) == change.drained;
  const bool overruled = host_.targets().drained.has(change.server) != change.drained;
  if (published || overruled) {
    change_.reset();
    return ask_status([this](const WorkerStatus&) { answer_ok(); });
  }
  if (host_.now() - change.begun < kChangePatience) return;
  change_.reset();
  resume([&] {
    answer_error({1105, "HY000",
                  fmt::format("weir: the change of server {} is noted, but the monitor has not "
                              "judged again so far; look at SHOW SERVERS",
                              change.name)});
  });
}

// On the session's own thread it is ended as by KILL. What its statement does on a server ends when
// that finds its connection closed.
void AdminSession::kill_session(std::uint32_t target) {
  const auto answer = [this, target](bool found) {
    if (!found) {
      return answer_error(
          {1094, "HY000",
           fmt::format("weir: there is no session {}; SHOW SESSIONS lists them", target)});
    }
    answer_ok();
  };
  waiting_ = true;
  const bool posted = host_.targets().process.directory->visit(
      target, [this, &host = host_, id = id_, answer](ClientSession* session) {
        if (session != nullptr) session->kill();
        host.post(id,
                  [this, answer, found = session != nullptr] { resume([&] { answer(found); }); });
      });
  if (!posted) {
    waiting_ = false;
    answer(false);
  }
}

// --- other threads' answers ----------------------------------------------------------------------

// Asks all workers; `then` answers the command, unless the session is over by then.
void AdminSession::ask_status(std::function<void(const WorkerStatus&)> then) {
  waiting_ = true;
  survey_status(*host_.targets().process.directory, [this, &host = host_, id = id_,
                                                     then = std::move(then)](WorkerStatus status) {
    host.post(id, [this, then, status = std::move(status)] { resume([&] { then(status); }); });
  });
}

// What was waited for has come.
void AdminSession::resume(std::function<void()> answer) {
  if (phase_ != Phase::commands) return;
  waiting_ = false;
  answer();
  work_off();
}

}  // namespace weir
