#include "proxy/monitor/prober.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr Milliseconds kLongestPause{1000};
// An account that is refused stays so until a person acts, and servers count failed logins.
constexpr Milliseconds kLongestPauseDenied{5000};
constexpr Milliseconds kGroupInterval{5000};
constexpr Milliseconds kFollowersInterval{2000};
constexpr std::chrono::hours kCleanInterval{1};
constexpr unsigned kMemberRoles = 80002;

std::string in_words(const std::string& message, unsigned error) {
  return fmt::format("{} ({})", message, error);
}

}  // namespace

Prober::Prober(ServerConfig server, const Config& config, int wake_fd, Heartbeat* heartbeat)
    : server_(std::move(server)),
      monitor_(config.monitor),
      heartbeat_(heartbeat),
      connection_(config.tls.server, wake_fd) {}

Probe Prober::attempt(bool primary) {
  Probe probe;
  probe.sequence = ++sequence_;
  const TimePoint deadline = Clock::now() + monitor_.timeout;
  const bool kept = connection_.open();
  if (!kept && !connect(probe, deadline)) return probe;
  ServerReply reply = ask(probe, deadline);
  // A connection that was kept may have been ended by the server (KILL, wait_timeout, a quick
  // restart): only a new one tells whether the server lives. After a timeout there is no time left
  // for that.
  if (kept && reply.lost() && Clock::now() < deadline) {
    if (!connect(probe, deadline)) return probe;
    reply = ask(probe, deadline);
  }
  decode_probe(kind_, reply, probe);
  if (probe.outcome == Probe::Outcome::answered) {
    learn_collation(reply, probe, deadline);
    beat(probe, primary, deadline);
    if (monitor_.discover) ask_for_followers(probe, deadline);
  }
  return probe;
}

bool Prober::connect(Probe& probe, TimePoint deadline) {
  const auto failed = connection_.connect(
      {server_.address, monitor_.user, monitor_.password, server_.proxy_protocol}, deadline);
  if (!failed) {
    kind_ = ServerKind::from_version(connection_.greeting_version());
    capabilities_ = connection_.greeting_capabilities();
    collation_name_.clear();
    next_look_ = next_ask_ = {};
    return true;
  }
  probe.outcome = login_outcome(failed.error);
  probe.error = in_words(failed.message, failed.error);
  return false;
}

// A server may become part of a group while it is being watched. What ended the connection, if
// anything did.
std::optional<ServerReply> Prober::look_for_group(TimePoint deadline) {
  const TimePoint now = Clock::now();
  // Before MySQL 8.0.2 members do not tell their roles.
  if (now < next_look_ || (kind_.flavor == Flavor::mysql && kind_.version < kMemberRoles)) {
    return std::nullopt;
  }
  ServerReply reply = connection_.query(group_query(kind_.flavor), deadline);
  if (reply.lost()) return reply;
  kind_.group = decode_group(reply);
  next_look_ = now + kGroupInterval;
  return std::nullopt;
}

ServerReply Prober::ask(Probe& probe, TimePoint deadline) {
  if (auto lost = look_for_group(deadline)) return *std::move(lost);
  probe.when.sent = Clock::now();
  ServerReply reply = connection_.query(probe_query(kind_), deadline);
  // An answer that is found later than the timeout lay in the socket while weir itself was paused.
  probe.when.answered = std::min(Clock::now(), probe.when.sent + monitor_.timeout);
  return reply;
}

void Prober::learn_collation(const ServerReply& reply, Probe& probe, TimePoint deadline) {
  const std::string name = collation_name(reply);
  // The connection may have been lost behind the part of the reply that tells enough.
  if (name != collation_name_ && connection_.open()) {
    const ServerReply answer = connection_.query(collation_query(kind_, name), deadline);
    collation_id_ = decode_collation(answer);
    // The greeting's byte is better than nothing; ask again next time.
    if (collation_id_ != 0) {
      collation_name_ = name;
    } else if (connection_.open()) {
      collation_id_ = static_cast<std::uint16_t>(connection_.greeting_collation());
    }
  }
  probe.default_collation = collation_id_;
  probe.capabilities = capabilities_;
}

// A group tells itself how far its members are. Whatever becomes of this, the server has answered
// the probe.
void Prober::beat(Probe& probe, bool primary, TimePoint deadline) {
  if (heartbeat_ == nullptr || probe.membership || !connection_.open()) return;
  if (primary && !probe.read_only) {
    write_beat(probe, deadline);
  } else {
    read_beat(probe, deadline);
  }
}

void Prober::write_beat(Probe& probe, TimePoint deadline) {
  Beat beat;
  const auto write = [&] {
    beat.count = heartbeat_->next();
    beat.when.sent = Clock::now();
    ServerReply reply = connection_.query(heartbeat_->write_query(beat.count), deadline);
    beat.when.answered = std::min(Clock::now(), beat.when.sent + monitor_.timeout);
    return reply;
  };
  ServerReply reply = write();
  if (Heartbeat::is_missing(reply)) {
    reply = connection_.query(heartbeat_->create_query(), deadline);
    if (reply.error == 0) reply = write();
  }
  if (reply.error != 0) {
    probe.beat_trouble = heartbeat_->advice(reply, probe.account);
    return;
  }
  probe.written = beat;
  if (beat.when.answered < next_clean_) return;
  // It is of no matter whether that succeeds.
  connection_.query(heartbeat_->clean_query(), deadline);
  next_clean_ = beat.when.answered + kCleanInterval;
}

void Prober::read_beat(Probe& probe, TimePoint deadline) {
  Beat beat;
  beat.when.sent = Clock::now();
  const ServerReply reply = connection_.query(heartbeat_->read_query(), deadline);
  beat.when.answered = std::min(Clock::now(), beat.when.sent + monitor_.timeout);
  if (const auto count = Heartbeat::decode(reply)) {
    beat.count = *count;
    probe.read = beat;
  } else if (reply.error != 0 && !Heartbeat::is_missing(reply)) {
    probe.beat_trouble = heartbeat_->advice(reply, probe.account);
  }
}

// Whatever becomes of this, the server has answered the probe. What could not be asked in time is
// asked with the next one.
void Prober::ask_for_followers(Probe& probe, TimePoint deadline) {
  const TimePoint now = Clock::now();
  if (connection_.open() && now >= next_ask_) {
    const ServerReply replicas = connection_.query(replicas_query(kind_), deadline);
    const bool some = !replicas.results.empty() && !replicas.results[0].rows.empty();
    std::optional<ServerReply> dumps;
    if (some && connection_.open()) dumps = connection_.query(dump_query(), deadline);
    if (connection_.open()) {
      followers_ = std::make_shared<const Followers>(
          decode_followers(kind_, replicas, dumps, probe.account));
      next_ask_ = now + kFollowersInterval;
    }
  }
  probe.followers = followers_;
}

Milliseconds retry_pause(Probe::Outcome outcome, unsigned failures, Milliseconds interval,
                         double jitter) {
  const Milliseconds longest =
      std::max(interval, outcome == Probe::Outcome::denied ? kLongestPauseDenied : kLongestPause);
  Milliseconds pause = interval;
  for (unsigned i = 1; i < failures && pause < longest; ++i) pause *= 2;
  pause = std::min(pause, longest);
  // Between half of it and all of it.
  return std::chrono::duration_cast<Milliseconds>(pause * (0.5 + std::clamp(jitter, 0.0, 1.0) / 2));
}

}  // namespace weir
