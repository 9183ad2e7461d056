#include "proxy/config/validate.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config/units.h"
#include "proxy/config/validate_rules.h"
#include "proxy/config/validate_tls.h"

namespace weir::config {
namespace {

// The tables of a repeated section. Empty when it is missing or was refused for its shape, in which
// case read_config() added no entry either.
const std::vector<Node>& items(const Node& root, std::string_view section, std::size_t expected) {
  static const std::vector<Node> none;
  const Node* const list = root.find(section);
  return list != nullptr && list->children.size() == expected ? list->children : none;
}

// The line to blame for a key: its own, else its section's, else the file as a whole.
unsigned line_of(const Node& root, std::string_view section, std::string_view key) {
  const Node* const table = root.find(section);
  if (table == nullptr) return 0;
  const Node* const value = table->find(key);
  return value == nullptr ? table->line : value->line;
}

unsigned line_in(const Node& table, std::string_view key) {
  const Node* const value = table.find(key);
  return value == nullptr ? table.line : value->line;
}

std::string_view kind_of_secret(std::string_view key) {
  for (const std::string_view kind : {"password", "token"}) {
    if (key.ends_with(kind)) return kind;
  }
  return "verifier";
}

// In how many ways a password is given under this key. Several are a problem.
unsigned count_passwords(const Node& table, const std::string& owner, const std::string& key,
                         Context& context) {
  unsigned given = 0;
  unsigned last_line = table.line;
  for (const std::string_view way : {"", "_file", "_env"}) {
    const Node* const value = table.find(fmt::format("{}{}", key, way));
    if (value == nullptr) continue;
    ++given;
    last_line = std::max(last_line, value->line);
  }
  if (given > 1) {
    context.problem(
        last_line, fmt::format("{0} has several {2}s; keep one of {1}, {1}_file and {1}_env", owner,
                               key, kind_of_secret(key)));
  }
  return given;
}

void check_password(const Node& table, const std::string& owner, Context& context) {
  if (count_passwords(table, owner, "password", context) == 0) {
    context.problem(table.line,
                    owner + " has no password; add password, password_file or password_env");
  }
}

// A user has a password, or what servers store of it.
void check_secret(const Node& table, const std::string& owner, Context& context) {
  const unsigned passwords = count_passwords(table, owner, "password", context);
  const unsigned verifiers = count_passwords(table, owner, "verifier", context);
  count_passwords(table, owner, "verifier_next", context);
  if (passwords > 0 && verifiers > 0) {
    context.problem(table.line, owner + " has a password and a verifier; keep one of them");
  } else if (passwords + verifiers == 0) {
    context.problem(table.line,
                    owner +
                        " has no password; add password, password_file or password_env, or a "
                        "verifier in the same ways");
  }
}

void check_backend(const Node& table, const std::string& owner, Context& context) {
  const Node* const backend = table.find("backend");
  if (backend == nullptr || backend->kind != Node::Kind::table) return;
  if (backend->find("user") == nullptr) {
    context.problem(backend->line, "the backend of " + owner + " has no user; add one");
  }
  check_password(*backend, "the backend of " + owner, context);
}

bool is_listened_on(const Endpoint& address, const ListenConfig& listen) {
  return std::find(listen.mysql.begin(), listen.mysql.end(), address) != listen.mysql.end() ||
         listen.http == address;
}

// Each door has an address of its own.
void check_listen(const Node& root, const Config& config, Context& context) {
  const auto check = [&](std::string_view key, const std::optional<Endpoint>& address) {
    const std::vector<Endpoint>& mysql = config.listen.mysql;
    if (!address || std::find(mysql.begin(), mysql.end(), *address) == mysql.end()) return;
    context.problem(line_of(root, "listen", key),
                    fmt::format("listen.{} is \"{}\", which is in listen.mysql, too; give one of "
                                "them another port",
                                key, address->to_string()));
  };
  check("admin", config.listen.admin);
  check("http", config.listen.http);
  const std::optional<Endpoint>& http = config.listen.http;
  if (http && http == config.listen.admin && http->port != 0) {
    context.problem(line_of(root, "listen", "http"),
                    fmt::format("listen.http is \"{}\", which is listen.admin, too; give one of "
                                "them another port",
                                http->to_string()));
  }
}

void check_server(const Node& table, std::size_t index, const Config& config, Context& context) {
  const ServerConfig& server = config.servers[index];
  for (const std::string_view key : {"name", "address"}) {
    if (table.find(key) == nullptr) {
      context.problem(table.line, fmt::format("this [[server]] has no {}; add one", key));
    }
  }
  const bool has_address = server.address != Endpoint{};
  for (std::size_t i = 0; i < index; ++i) {
    const ServerConfig& other = config.servers[i];
    if (!server.name.empty() && server.name == other.name) {
      context.problem(line_in(table, "name"),
                      fmt::format("a server named \"{}\" is listed already; "
                                  "each needs a name of its own",
                                  server.name));
    }
    if (has_address && server.address == other.address) {
      context.problem(
          line_in(table, "address"),
          fmt::format("\"{}\" is the address of server \"{}\" already; list each server "
                      "once",
                      server.address.to_string(), other.name));
    }
  }
  if (has_address && is_listened_on(server.address, config.listen)) {
    context.problem(line_in(table, "address"),
                    fmt::format("\"{}\" is where weir itself listens; give the server's address",
                                server.address.to_string()));
  }
}

void check_role_pins(const Node& root, const Config& config, Context& context) {
  const auto& tables = items(root, "server", config.servers.size());
  const ServerConfig* primary = nullptr;
  std::size_t replicas = 0;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const ServerConfig& server = config.servers[i];
    if (server.role == RolePin::replica) ++replicas;
    if (server.role != RolePin::primary) continue;
    if (primary != nullptr) {
      context.problem(
          line_in(tables[i], "role"),
          fmt::format("\"{}\" and \"{}\" are both pinned as primary; at most one can be",
                      primary->name, server.name));
    }
    primary = &server;
  }
  if (!tables.empty() && replicas == tables.size()) {
    context.warning(line_in(tables[0], "role"),
                    "every server is pinned as replica: writes will have nowhere to go");
  }
}

void check_servers(const Node& root, const Config& config, Context& context) {
  if (root.find("server") == nullptr) {
    return context.problem(0,
                           "no [[server]] is listed; add one with name and address for each "
                           "database server");
  }
  const auto& tables = items(root, "server", config.servers.size());
  for (std::size_t i = 0; i < tables.size(); ++i) check_server(tables[i], i, config, context);
  check_role_pins(root, config, context);
}

void check_heartbeat(const Node& root, const std::string& name, Context& context) {
  const std::size_t dot = name.find('.');
  const bool is_table = dot != std::string::npos && dot > 0 && dot + 1 < name.size() &&
                        name.find('.', dot + 1) == std::string::npos;
  if (name.empty() || is_table) return;
  context.problem(line_of(root, "monitor", "heartbeat"),
                  fmt::format("monitor.heartbeat is \"{}\"; write it as \"schema.table\"", name));
}

void check_monitor(const Node& root, const Config& config, Context& context) {
  const Node* const table = root.find("monitor");
  if (table == nullptr) {
    return context.problem(0,
                           "there is no [monitor]; add one with user and password: weir logs in "
                           "to the servers to tell the primary from the replicas");
  }
  if (table->kind != Node::Kind::table) return;
  if (table->find("user") == nullptr) {
    context.problem(table->line, "[monitor] has no user; add the account that weir logs in with");
  }
  check_password(*table, "[monitor]", context);
  check_heartbeat(root, config.monitor.heartbeat, context);
  if (config.monitor.max_lag <= config.monitor.interval) {
    context.warning(
        line_of(root, "monitor", "max_lag"),
        fmt::format("monitor.max_lag ({}) is not above monitor.interval ({}): healthy "
                    "replicas will often look stale",
                    duration_text(config.monitor.max_lag), duration_text(config.monitor.interval)));
  }
}

void check_users(const Node& root, const Config& config, Context& context) {
  const auto& tables = items(root, "user", config.users.size());
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string& name = config.users[i].name;
    const std::string owner = name.empty() ? "this [[user]]" : "user \"" + name + "\"";
    if (tables[i].find("name") == nullptr) {
      context.problem(tables[i].line, "this [[user]] has no name; add one");
    }
    check_secret(tables[i], owner, context);
    check_backend(tables[i], owner, context);
    // find_user() gives the first of that name.
    if (!name.empty() && config.find_user(name) != &config.users[i]) {
      context.problem(line_in(tables[i], "name"),
                      fmt::format("{} is listed already; list each account once", owner));
    }
  }
  if (config.auth.mode == AuthMode::users && root.find("user") == nullptr) {
    context.problem(line_of(root, "auth", "mode"),
                    "auth.mode is \"users\" and no [[user]] is listed: nobody could log in; list "
                    "the accounts, or use \"passthrough\"");
  }
}

void check_zone(const Node& root, const Config& config, Context& context) {
  const std::string& zone = config.routing.zone;
  const bool known = std::any_of(config.servers.begin(), config.servers.end(),
                                 [&](const ServerConfig& server) { return server.zone == zone; });
  if (!zone.empty() && !known) {
    context.problem(
        line_of(root, "routing", "zone"),
        fmt::format("routing.zone is \"{}\", and no [[server]] is in that zone; give one "
                    "the same zone, or remove the key",
                    zone));
  }
}

// True when the account, "admin" or "viewer", has a password or a verifier.
bool check_console_account(const Node& auth, const std::string& account, Context& context) {
  const std::string owner = "the admin console's " + account;
  const unsigned passwords = count_passwords(auth, owner, account + "_password", context);
  const unsigned verifiers = count_passwords(auth, owner, account + "_verifier", context);
  if (passwords > 0 && verifiers > 0) {
    context.problem(line_in(auth, account + "_verifier"),
                    owner + " has a password and a verifier; keep one of them");
  }
  const Node* const password = auth.find(account + "_password");
  if (password != nullptr && password->kind == Node::Kind::text && password->text.empty()) {
    context.problem(password->line,
                    fmt::format("auth.{}_password is empty; give one, or remove the key", account));
  }
  return passwords + verifiers > 0;
}

void check_console(const Node& root, const Config& config, Context& context) {
  const Node* const auth = root.find("auth");
  if (auth == nullptr || auth->kind != Node::Kind::table) return;
  const bool admin = check_console_account(*auth, "admin", context);
  const bool viewer = check_console_account(*auth, "viewer", context);
  count_passwords(*auth, "HTTP", "http_token", context);
  if (!viewer && auth->find("viewer_user") != nullptr) {
    context.problem(line_in(*auth, "viewer_user"),
                    "the admin console's viewer has no password; add viewer_password, "
                    "viewer_password_file or viewer_password_env, or a verifier in the same ways");
  }
  if (viewer && config.auth.viewer.user == config.auth.admin.user) {
    context.problem(line_in(*auth, "viewer_user"),
                    fmt::format("auth.viewer_user and auth.admin_user are both \"{}\"; give one of "
                                "them another name",
                                config.auth.viewer.user));
  }
  if (config.auth.admin_password_out.empty()) return;
  const std::optional<Endpoint>& address = config.listen.admin;
  if (admin || !address || address->is_unix()) {
    context.problem(
        line_in(*auth, "admin_password_out"),
        fmt::format("auth.admin_password_out has no meaning: weir makes no password {}; remove it",
                    admin      ? "where one is given"
                    : !address ? "without a console"
                               : "for a unix socket"));
  }
}

void check_routing(const Node& root, const Config& config, Context& context) {
  if (config.routing.spill_limit > 0 && config.routing.primary_reads == PrimaryReads::never) {
    context.problem(
        line_of(root, "routing", "spill_limit"),
        "routing.spill_limit has no meaning with primary_reads = \"never\"; remove one");
  }
  if (config.routing.wait > config.routing.failover_wait) {
    context.problem(
        line_of(root, "routing", "wait"),
        fmt::format("routing.wait ({}) is longer than routing.failover_wait ({}); a read "
                    "should give up on a replica sooner than a write on a primary",
                    duration_text(config.routing.wait),
                    duration_text(config.routing.failover_wait)));
  } else if (config.routing.consistency != Consistency::eventual &&
             config.routing.wait > config.monitor.timeout) {
    context.problem(
        line_of(root, "routing", "wait"),
        fmt::format("routing.wait ({}) is longer than monitor.timeout ({}): a replica would be "
                    "given up as down while reads still wait for it",
                    duration_text(config.routing.wait), duration_text(config.monitor.timeout)));
  }
  check_zone(root, config, context);
}

void check_overload(const Node& root, const Config& config, Context& context) {
  const OverloadConfig& overload = config.overload;
  if (overload.min_concurrency <= overload.max_concurrency) return;
  const Node* const table = root.find("overload");
  const bool says_most = table != nullptr && table->find("max_concurrency") != nullptr;
  context.problem(line_of(root, "overload", says_most ? "max_concurrency" : "min_concurrency"),
                  fmt::format("overload.max_concurrency ({}) is below min_concurrency ({}); raise "
                              "it, or lower the other",
                              overload.max_concurrency, overload.min_concurrency));
}

void check_firewall(const Node& root, const Config& config, Context& context) {
  if (!config.uses_firewall() || !config.firewall.file.empty()) return;
  unsigned line = line_of(root, "firewall", "mode");
  for (const Node& user : items(root, "user", config.users.size())) {
    if (line == 0 && user.find("firewall") != nullptr) line = line_in(user, "firewall");
  }
  context.problem(line,
                  "the firewall has no file to keep its list in; add firewall.file, such as "
                  "\"weir.allowlist\"");
}

}  // namespace

void validate(const Node& root, const Config& config, Context& context) {
  check_listen(root, config, context);
  check_servers(root, config, context);
  check_monitor(root, config, context);
  check_routing(root, config, context);
  check_overload(root, config, context);
  check_users(root, config, context);
  check_console(root, config, context);
  check_rules(root, config, context);
  check_firewall(root, config, context);
  check_tls(root, config, context);
}

}  // namespace weir::config
