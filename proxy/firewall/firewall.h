// The firewall's list while weir runs: shared by all workers, read from its file at start and on
// SIGHUP, and written when users whose mode is "learn" run something new.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/firewall/allow_list_file.h"

namespace weir {

class Firewall {
 public:
  // Reads the file. When somebody `learns` it may be missing, and is made. Throws
  // std::runtime_error, with words for people, when it is no good or cannot be written.
  Firewall(std::string path, bool learns);
  ~Firewall();  // writes what is left to be written
  Firewall(const Firewall&) = delete;
  Firewall& operator=(const Firewall&) = delete;

  // From any thread: the file is read again, soon. What is wrong with it is in the log, and the
  // lists stay as they are.
  void reload();

  // From any thread: they may be run by this user from now on. They are in lists() soon, unless
  // there is no room for them, and in the file within a second or so.
  void learn(std::string_view user, std::vector<AllowedStatement> statements);

  // From any thread. Grows with each change of the lists.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::shared_ptr<const AllowLists> lists() const;  // never null
  // How many statements of each user were learnt since weir began.
  std::map<std::string, std::uint64_t> learnt() const;

 private:
  void run();
  void take_in(const AllowLists& news);
  void read_again();
  void keep();
  void adopt_file();
  void tell_who_is_full(const AllowLists& lists);
  void publish(AllowLists lists);

  AllowListFile file_;               // thread_ only, like these
  AllowLists unwritten_;             // learnt, and in lists_, but not in the file
  std::set<std::string> told_full_;  // users of whom the log has said that there is no more room
  std::string told_why_;             // the file cannot be written, as the log has said

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const AllowLists> lists_;      // guarded by mutex_, like these
  AllowLists pending_;                           // learnt, and not in lists_
  std::map<std::string, std::uint64_t> learnt_;  // by user
  bool reload_ = false;
  bool stopping_ = false;
  const bool learns_;  // never changes
  std::atomic<std::uint64_t> version_{1};
  std::thread thread_;
};

// What one worker knows of the lists: it asks for a lock only when they have changed.
class FirewallView {
 public:
  const AllowLists& latest(const Firewall& firewall) {
    const std::uint64_t version = firewall.version();
    if (version != version_) {
      version_ = version;  // of this or a later one, which is looked at once more then
      lists_ = firewall.lists();
    }
    return *lists_;
  }

 private:
  std::uint64_t version_ = 0;
  std::shared_ptr<const AllowLists> lists_;
};

}  // namespace weir
