// Which servers there are beyond those of the configuration. A server of a replicated topology
// names others: a replica its source, a source its replicas, a member of a group the others. None
// of them is believed at once: an address is looked at first, and joins when the server there
// proves to belong to the one that named it. Pure: what servers said in, addresses to look at out.
//
//    known servers --hear()--> addresses --next()--> a look (I/O) --looked()--> known servers

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/monitor/monitor_event.h"
#include "proxy/monitor/probe.h"

namespace weir {

// That there is a server, by the word of a known one.
struct Mention {
  enum class Tie : std::uint8_t {
    source,   // `by` fetches from it
    replica,  // it fetches from `by`
    member,   // both belong to one group
  };
  Endpoint address;
  Tie tie = Tie::source;
  std::size_t by = 0;
  // The port belongs to the server, the host is one from which somebody fetches: they need not
  // belong together.
  bool guess = false;
  // Of the server, where `by` knows them: @@server_uuid and @@server_id.
  std::string uuid;
  std::uint32_t id = 0;
};

// Everything that the servers say of others, in their order. What is no address of a host and a
// port is left out.
std::vector<Mention> mentions(const std::vector<Probe>& probes);

// Whether the server that was found at the address is what the mention says. `probes`: what the
// known servers said last.
bool is_proved(const Mention& mention, const Probe& found, const std::vector<Probe>& probes);

// With the defaults of [[server]].
ServerConfig discovered_server(const Endpoint& address);

// Not safe for use from several threads at once.
class Discovery {
 public:
  explicit Discovery(const Config& config);

  // All servers by index: those of the configuration, then the discovered ones, with those that
  // have left.
  const std::vector<ServerConfig>& servers() const { return servers_; }

  // What the servers say now; `probes` has one entry for each of servers(), `primary` is the one
  // believed in last. A discovered server may leave by this. True when servers() has changed.
  bool hear(const std::vector<Probe>& probes, std::optional<std::size_t> primary, TimePoint now,
            std::vector<MonitorEvent>& events);

  // The address to be looked at now, if there is one: looked() is called for it before the next.
  std::optional<Endpoint> next(TimePoint now);

  // What was found there. The index of the server that joins, new or one that had left; nothing
  // when none does.
  std::optional<std::size_t> looked(const Endpoint& address, const Probe& found,
                                    const std::vector<Probe>& probes, TimePoint now,
                                    std::vector<MonitorEvent>& events);

  // True while somebody was mentioned lately who was not looked at even once.
  bool searching(TimePoint now) const;

 private:
  struct Candidate {
    std::vector<Mention> mentions;  // now; any of them may be what proves it
    TimePoint since;                // mentioned without a break
    TimePoint due;                  // to be looked at
    unsigned looks = 0;             // in vain
    std::size_t most_mentions = 0;  // that a look was due for
    std::string told;               // to people
  };
  // What is remembered of servers_[i].
  struct Known {
    std::string identity;  // empty until it has answered
    std::uint32_t id = 0;
    TimePoint heard{};  // its last answer as a part of the topology, or mention by another part
  };

  bool takes_part(std::size_t server) const { return servers_[server].origin != Origin::left; }
  std::optional<std::size_t> find(const Mention& mention) const;
  std::optional<std::size_t> find_identity(const std::string& identity) const;
  void note(const Mention& mention, TimePoint now, std::vector<MonitorEvent>& events);
  static void expect(Candidate& candidate, TimePoint now);
  void remember(const std::vector<Probe>& probes);
  std::vector<bool> find_tied(const std::vector<Probe>& probes,
                              std::optional<std::size_t> primary) const;
  bool belongs(const Probe& replica, std::size_t source) const;
  static bool same_group(const Probe& a, const Probe& b);
  bool drop_duplicates(std::vector<MonitorEvent>& events);
  bool forget(TimePoint now, std::vector<MonitorEvent>& events);
  void leave(std::size_t server);
  void in_vain(Candidate& candidate, const std::string& why, TimePoint now,
               std::vector<MonitorEvent>& events);
  std::optional<std::size_t> join(const Endpoint& address);
  void tell_full(const Mention& mention, std::vector<MonitorEvent>& events);

  const Milliseconds patience_;  // of searching()
  const std::size_t listed_;
  std::vector<ServerConfig> servers_;
  std::vector<Known> known_;
  std::map<std::string, std::string> aliases_;   // identities by the texts of further addresses
  std::map<std::string, Candidate> candidates_;  // by the text of the address
  std::size_t addresses_ = 0;                    // how many were ever looked at, or are to be
  bool told_full_ = false;
};

}  // namespace weir
