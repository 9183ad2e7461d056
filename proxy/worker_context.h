// What the sessions, pools and connections of one worker share.

#pragma once

#include <uv.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/auth/rsa_key.h"
#include "proxy/auth/account_store.h"
#include "proxy/auth/password_checks.h"
#include "proxy/backend/server_slots.h"
#include "proxy/config/config.h"
#include "proxy/config/network.h"
#include "proxy/core/admission.h"
#include "proxy/core/counters.h"
#include "proxy/core/global_writes.h"
#include "proxy/core/log_throttle.h"
#include "proxy/core/memory_budget.h"
#include "proxy/core/pin_counts.h"
#include "proxy/core/prepared_statements.h"
#include "proxy/core/routine_changes.h"
#include "proxy/core/rules.h"
#include "proxy/core/sequence_users.h"
#include "proxy/core/server_work.h"
#include "proxy/core/spill_guard.h"
#include "proxy/core/state_table.h"
#include "proxy/core/stranger_limits.h"
#include "proxy/core/topology.h"
#include "proxy/core/topology_board.h"
#include "proxy/firewall/firewall.h"
#include "proxy/net/deferred.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_session.h"
#include "proxy/session/session_directory.h"

namespace weir {

class StatementKill;

// Shared by all workers and outlives them. Everything in it is immutable or safe from any thread.
struct ProcessContext {
  explicit ProcessContext(std::size_t spill_limit = 0) : spill_guard(spill_limit) {}

  std::shared_ptr<const Config> config;
  AccountStore* accounts = nullptr;
  PasswordChecks password_checks;
  ServerSlots* slots = nullptr;
  SessionDirectory* directory = nullptr;
  StrangerLimits* strangers = nullptr;
  const MemoryBudget* memory = nullptr;
  std::vector<Network> proxies;  // listen.proxy_protocol
  Firewall* firewall = nullptr;  // null: nobody has one
  const protocol::RsaKey* rsa_key = nullptr;
  TlsContexts tls;
  std::atomic<std::uint32_t> next_connection_id{1u << 30};
  std::atomic<std::size_t> client_connections{0};
  // Grows with each SET GLOBAL that passes: connections opened before have older session defaults.
  std::atomic<std::uint64_t> settings_version{0};
  RoutineChanges routine_changes;
  SequenceUsers sequence_users;
  TopologyBoard topology;
  GlobalWrites global_writes;
  SpillGuard spill_guard;
  std::atomic<bool> draining{false};  // SIGTERM was received
};

// Belongs to one worker and its thread.
struct WorkerContext {
  uv_loop_t* loop = nullptr;
  ReadBuffer* buffer = nullptr;
  CompressionShared* compression = nullptr;
  TlsShared* tls = nullptr;
  std::vector<TlsTicket> tls_tickets;  // by server; sized once, when the worker begins
  Deferred* deferred = nullptr;
  ProcessContext* process = nullptr;
  std::shared_ptr<const Topology> topology;  // never null; replaced between callbacks
  std::vector<ServerWork> work;              // by server; sized once, when the worker begins
  Admission* admission = nullptr;            // null: nothing is limited
  std::uint32_t most_waits = 0;              // of ServerWork::waits, by this worker's share
  WorkerCounters counters;
  std::array<LogThrottle, kRefusals> refusal_logs;
  LogThrottle timeout_log;
  LogThrottle firewall_log;
  LogThrottle unfit_log;  // servers with which weir, or which with a user, will have nothing to do
  PinCounts pins;
  StateTable states;
  StatementStore statements{states};
  std::shared_ptr<const RuleSet> rules;  // null: there are none; made once
  std::string rule_room;                 // for RuleText, one at a time
  FirewallView allowed;
  std::vector<std::shared_ptr<StatementKill>> kills;  // that are under way
  std::uint64_t last_types_version = 0;               // see PreparedStatement::types_version
  std::uint64_t random_state = 0x9e3779b97f4a7c15;
  bool draining = false;

  const Config& config() const { return *process->config; }
  // The loop's idea of now: cheap, and late by at most one round of the loop.
  TimePoint loop_time() const { return TimePoint(Milliseconds(uv_now(loop))); }
  // For choices between equals; no secrets are made of it. xorshift64*.
  std::uint64_t random() {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1d;
  }
};

}  // namespace weir
