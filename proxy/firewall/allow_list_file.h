// The file of the firewall's list. Nobody but its owner may read or write it: who writes it decides
// what others may run.

#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>
#include <utility>

#include "proxy/firewall/allow_list.h"

namespace weir {

// One thread at a time. What cannot be done is thrown as std::runtime_error, with words for people
// that name the file, and the line if it is to blame.
class AllowListFile {
 public:
  explicit AllowListFile(std::string path) : path_(std::move(path)) {}

  bool exists() const;
  AllowLists read();
  void check_writable() const;
  // All of it or nothing, whatever happens meanwhile.
  void write(const AllowLists& lists);
  // By somebody else, since it was last read or written. A file that is gone has no changes to
  // lose.
  bool was_edited() const;
  // Not changed within the last seconds: whoever changes it may not be done yet.
  void check_settled() const;
  const std::string& path() const { return path_; }

 private:
  struct Mark {
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
    bool operator==(const Mark& other) const {
      return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
             changed.tv_nsec == other.changed.tv_nsec;
    }
  };
  Mark mark_of(int descriptor) const;

  const std::string path_;
  Mark mark_;  // of what was last read or written
};

}  // namespace weir
